/** Both official clients through a load balancer that sends no two requests in a row to the same instance. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { post, request } from '../support/raw.ts'
import { MessageRecorder } from './message-recorder.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

interface Result {
  content: { type: string; text?: string }[]
  structuredContent?: unknown
  isError?: boolean
}

interface Official {
  call(name: string, args?: object, onprogress?: (params: { progress: number }) => void): Promise<Result>
  listTools(): Promise<{ name: string }[]>
  listResources(): Promise<{ uri: string }[]>
  listTemplates(): Promise<{ uriTemplate: string }[]>
  read(uri: string): Promise<{ text?: string; blob?: string }[]>
  listPrompts(): Promise<{ name: string }[]>
  prompt(name: string, args: Record<string, string>): Promise<string>
  complete(prompt: string, argument: string, value: string): Promise<string[]>
  setLevel(level: 'debug' | 'error'): Promise<unknown>
  logs: unknown[]
  recorder: MessageRecorder
  sessionId(): string
  terminate(): Promise<void>
  close(): Promise<void>
}

async function sdk1(): Promise<Official> {
  const client = new Client1({ name: 'one', version: '1' })
  const logs: unknown[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params))
  const recorder = new MessageRecorder()
  const transport = new Transport1(fleet.url, { fetch: recorder.fetch })
  await client.connect(transport as never)
  return {
    call: (name, args = {}, onprogress) =>
      client.callTool({ name, arguments: { ...args } }, undefined, onprogress ? { onprogress } : {}) as never,
    listTools: async () => (await client.listTools()).tools,
    listResources: async () => {
      const all = []
      let cursor: string | undefined
      do {
        const page = await client.listResources(cursor === undefined ? {} : { cursor })
        all.push(...page.resources)
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return all
    },
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async (uri) => (await client.readResource({ uri })).contents as never,
    listPrompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => JSON.stringify((await client.getPrompt({ name, arguments: args })).messages),
    complete: async (name, argument, value) =>
      (await client.complete({ ref: { type: 'ref/prompt', name }, argument: { name: argument, value } })).completion
        .values,
    setLevel: (level) => client.setLoggingLevel(level),
    logs,
    recorder,
    sessionId: () => transport.sessionId ?? '',
    terminate: () => transport.terminateSession(),
    close: () => client.close(),
  }
}

async function sdk2(): Promise<Official> {
  const client = new Client2({ name: 'two', version: '1' })
  const logs: unknown[] = []
  client.setNotificationHandler('notifications/message', ({ params }) => void logs.push(params))
  const recorder = new MessageRecorder()
  const transport = new Transport2(fleet.url, { fetch: recorder.fetch })
  await client.connect(transport)
  return {
    call: (name, args = {}, onprogress) =>
      client.callTool({ name, arguments: { ...args } }, onprogress ? { onprogress } : {}) as never,
    listTools: async () => (await client.listTools()).tools,
    listResources: async () => (await client.listResources()).resources,
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async (uri) => (await client.readResource({ uri })).contents as never,
    listPrompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => JSON.stringify((await client.getPrompt({ name, arguments: args })).messages),
    complete: async (name, argument, value) =>
      (await client.complete({ ref: { type: 'ref/prompt', name }, argument: { name: argument, value } })).completion
        .values,
    setLevel: (level) => client.setLoggingLevel(level),
    logs,
    recorder,
    sessionId: () => transport.sessionId ?? '',
    terminate: () => transport.terminateSession(),
    close: () => client.close(),
  }
}

describe.each([
  ['1.x', sdk1],
  ['2.x', sdk2],
])('the official client %s', (_name, connect) => {
  let client: Official

  beforeAll(async () => {
    client = await connect()
  })
  afterAll(() => client.close())
  afterEach(() => {
    client.recorder.check('2025-11-25')
  })

  test('lists tools in the same order from every instance, and calls them', async () => {
    const lists = [await client.listTools(), await client.listTools(), await client.listTools()]
    expect(lists[0]?.length).toBeGreaterThan(40)
    for (const list of lists) expect(list.map(({ name }) => name)).toEqual(lists[0]?.map(({ name }) => name))
    expect((await client.call('echo', { message: 'hello' })).content).toEqual([{ type: 'text', text: 'hello' }])
    expect((await client.call('structured', { a: 20, b: 22 })).structuredContent).toEqual({ sum: 42 })
    const failed = await client.call('fail', { message: 'as told' })
    expect([failed.isError, failed.content[0]?.text]).toEqual([true, 'as told'])
    const wrong = await client.call('structured', { a: 'x', b: 1 })
    expect([wrong.isError, wrong.content[0]?.text]).toEqual([true, expect.stringContaining('structured')])
  })

  test('receives progress while the tool runs', async () => {
    let first: ((value: string) => void) | undefined
    const progress = new Promise<string>((resolve) => (first = resolve))
    const result = client.call('progress', { n: 20, delayMs: 20 }, ({ progress: p }) => p === 1 && first?.('progress'))
    expect(await Promise.race([progress, result.then(() => 'result')])).toBe('progress')
    expect((await result).content[0]?.text).toContain('done 20')
  })

  test('sets a level on one instance, which applies on the others', async () => {
    await client.setLevel('error')
    client.logs.length = 0
    for (const level of ['debug', 'info', 'error'] as const) {
      for (let i = 0; i < 3; i++) await client.call('log', { level, message: `${level} ${i}` })
    }
    await eventually(async () => (client.logs.length >= 3 ? true : undefined))
    expect(client.logs.map((params) => (params as { level: string }).level)).toEqual(['error', 'error', 'error'])
  })

  test('reads resources, templates and prompts, and completes', async () => {
    const uris = (await client.listResources()).map(({ uri }) => uri)
    expect(uris).toContain('test://static-text')
    expect(new Set(uris).size).toBe(uris.length)
    expect(uris.length).toBeGreaterThan(100)
    expect((await client.listTemplates()).map(({ uriTemplate }) => uriTemplate)).toContain('test://template/{id}/data')
    expect((await client.read('test://template/123/data'))[0]?.text).toContain('123')
    expect((await client.read('test://static-binary'))[0]?.blob).toBeTruthy()
    await expect(client.read('test://nothing')).rejects.toThrow()
    expect((await client.listPrompts()).map(({ name }) => name)).toContain('test_prompt_with_arguments')
    const text = await client.prompt('test_prompt_with_arguments', { arg1: 'first', arg2: 'second' })
    expect(text).toMatch(/first.*second/)
    expect(Array.isArray(await client.complete('test_prompt_with_arguments', 'arg1', ''))).toBe(true)
  })

  test('gets the right result for each of 16 concurrent calls', async () => {
    const counts = [...fleet.proxy.counts]
    const results = await Promise.all(Array.from({ length: 16 }, (_, i) => client.call('echo', { message: `m${i}` })))
    expect(results.map(({ content }) => content[0]?.text)).toEqual(Array.from({ length: 16 }, (_, i) => `m${i}`))
    for (const [i, count] of fleet.proxy.counts.entries()) expect(count).toBeGreaterThan(counts[i] ?? 0)
  })

  test('writes session data on one instance and reads it on another', async () => {
    for (let i = 1; i <= 6; i++) expect((await client.call('count_session')).content[0]?.text).toBe(String(i))
    await client.call('remember', { name: 'colour', value: 'red' })
    expect((await client.call('recall', { name: 'colour' })).content[0]?.text).toBe('"red"')
    const pids = new Set<number>()
    for (let i = 0; i < 3; i++) pids.add(JSON.parse((await client.call('whoami')).content[0]?.text ?? '').pid)
    expect(pids.size).toBe(3)
  })

  test('received only messages that its revision has, from initialize on', () => {
    const received = [...client.recorder.check('2025-11-25')]
    const answered = ['initialize', 'tools/list', 'tools/call', 'resources/read', 'prompts/get', 'completion/complete']
    expect(received).toEqual(expect.arrayContaining([...answered, 'notifications/progress', 'notifications/message']))
  })

  test('ends its session, which is then unknown on every instance', async () => {
    const session = { id: client.sessionId(), version: '2025-11-25' }
    await client.terminate()
    for (const at of [0, 1, 2]) {
      const response = await post(fleet.at(at), request(1, 'tools/list'), { session })
      expect(response.status).toBe(404)
      await response.text()
    }
  })
})
