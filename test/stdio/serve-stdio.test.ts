/** `mcp-anywhere/stdio`: the official clients and raw lines, over a real child process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client as Client2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type RpcMessage, request, toolCall } from '../support/raw.ts'

const file = fileURLToPath(new URL('server.ts', import.meta.url))
const parameters = { command: process.execPath, args: [file], stderr: 'pipe' as const }
const capabilities = { elicitation: { form: {} } }
const accept = () => ({ action: 'accept' as const, content: { name: 'Ada' } })

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

type Official = Pick<Client2, 'callTool' | 'listTools' | 'readResource' | 'close' | 'getServerVersion'>

interface Connected {
  client: Official
  errors(): string
}

async function connect1(): Promise<Connected> {
  const client = new Client1({ name: 'one', version: '1' }, { capabilities })
  client.setRequestHandler(ElicitRequestSchema, accept)
  const transport = new Transport1(parameters)
  let errors = ''
  transport.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  await client.connect(transport)
  return { client: client as unknown as Official, errors: () => errors }
}

const connect2 = (mode: 'legacy' | 'auto' | { pin: string }) => async (): Promise<Connected> => {
  const client = new Client2({ name: 'two', version: '1' }, { capabilities, versionNegotiation: { mode } })
  client.setRequestHandler('elicitation/create', accept)
  const transport = new Transport2(parameters)
  let errors = ''
  transport.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  await client.connect(transport)
  return { client, errors: () => errors }
}

describe.each<[string, () => Promise<Connected>]>([
  ['1.x', connect1],
  ['2.x with a session', connect2('legacy')],
  ['2.x that asks which', connect2('auto')],
  ['2.x, stateless', connect2({ pin: '2026-07-28' })],
])('the official client %s', (_name, connect) => {
  test('lists, calls and reads, is asked, and cancels', async () => {
    const { client, errors } = await connect()
    stops.push(() => client.close())
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const echo = { name: 'echo', arguments: { text: 'é\u2028\n' } }
    expect((await client.callTool(echo)).content).toEqual([{ type: 'text', text: 'é\u2028\n' }])
    for (const word of ['log', 'info', 'debug', 'raw']) {
      await eventually(async () => errors().includes(`${word}\n`) || undefined)
    }
    expect((await client.callTool({ name: 'ask' })).content).toEqual([{ type: 'text', text: 'Ada' }])
    expect(await client.callTool({ name: 'region', arguments: { region: 'münchen' } })).toMatchObject({
      content: [{ text: 'münchen' }],
    })
    expect((await client.readResource({ uri: 'notes://ä' })).contents).toMatchObject([{ text: 'ä' }])
    const controller = new AbortController()
    const waiting = client.callTool({ name: 'wait' }, ...optionsOf(client, { signal: controller.signal }))
    waiting.catch(() => {})
    await eventually(async () => errors().includes('waiting') || undefined)
    controller.abort()
    await expect(waiting).rejects.toThrow()
    await eventually(async () => errors().includes('aborted') || undefined)
    expect(client.getServerVersion()?.name).toBe('local')
  })
})

/** The 1.x client has the schema of the result before the options. */
function optionsOf(client: Official, options: object): [] {
  return (client instanceof Client1 ? [undefined, options] : [options]) as unknown as []
}

class Lines {
  readonly child: ChildProcessWithoutNullStreams
  readonly messages: RpcMessage[] = []
  errors = ''
  readonly #waiting: (() => void)[] = []

  constructor() {
    this.child = spawn(process.execPath, [file])
    stops.push(async () => {
      this.child.kill('SIGKILL')
    })
    this.child.stderr.on('data', (chunk) => {
      this.errors += chunk
    })
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.messages.push(JSON.parse(line))
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  send(...messages: (object | string)[]): void {
    for (const message of messages) {
      this.child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
    }
  }

  async until(match: (message: RpcMessage) => boolean): Promise<RpcMessage> {
    for (;;) {
      const found = this.messages.find(match)
      if (found) return found
      await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    }
  }

  answer(id: number): Promise<RpcMessage> {
    return this.until((message) => message.id === id && message.method === undefined)
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close')
    return this.child.exitCode
  }
}

const initialize = (protocolVersion = '2025-11-25') =>
  request(0, 'initialize', { protocolVersion, capabilities, clientInfo: { name: 'raw', version: '1' } })
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

describe('lines', () => {
  test('that are written at once are answered before the process ends with its input', async () => {
    const lines = new Lines()
    lines.send(initialize(), initialized, toolCall(1, 'echo', { text: 'a' }), toolCall(2, 'count'), request(3, 'ping'))
    lines.child.stdin.end()
    expect(await lines.ended()).toBe(0)
    expect(
      lines.messages
        .map(({ id }) => id)
        .filter((id) => id !== undefined)
        .sort(),
    ).toEqual([0, 1, 2, 3])
  })

  test('have no HTTP request for a handler to see', async () => {
    const lines = new Lines()
    const call = { ...toolCall(2, 'surroundings', {}, META), id: 2 }
    lines.send(initialize(), initialized, toolCall(1, 'surroundings'), call)
    expect(JSON.parse((await lines.answer(1)).result.content[0].text)).toEqual([null, null, null, 'string'])
    expect(JSON.parse((await lines.answer(2)).result.content[0].text)).toEqual([null, null, null, 'undefined'])
    lines.child.stdin.end()
    expect(await lines.ended()).toBe(0)
  })

  test('may leave work, for which the process waits when its input ends', async () => {
    const lines = new Lines()
    lines.send(initialize(), initialized, toolCall(1, 'leave'))
    expect((await lines.answer(1)).result.content[0].text).toBe('left')
    lines.child.stdin.end()
    expect(await lines.ended()).toBe(0)
    expect(lines.errors).toContain('left work is done')
  })

  test('an ask that is open when the input ends fails, and its call is answered', async () => {
    const lines = new Lines()
    lines.send(initialize(), initialized, toolCall(1, 'ask'))
    await lines.until(({ method }) => method === 'elicitation/create')
    lines.child.stdin.end()
    expect((await lines.answer(1)).result.content[0].text).toContain('The client has closed its connection.')
    expect(await lines.ended()).toBe(0)
  })

  test('may arrive byte by byte, with a byte order mark, carriage returns and empty lines', async () => {
    const lines = new Lines()
    const text = `\uFEFF${JSON.stringify(initialize())}\r\n\r\n\n${JSON.stringify(toolCall(1, 'echo', { text: '€😀' }))}\r\n`
    for (const byte of Buffer.from(text)) lines.child.stdin.write(Buffer.from([byte]))
    expect((await lines.answer(1)).result.content[0].text).toBe('€😀')
    expect(lines.messages).toHaveLength(2)
    lines.child.stdin.end()
    expect(await lines.ended()).toBe(0)
  })

  test.each([
    ['no JSON', '{"jsonrpc"', -32700],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), -32700],
    ['no message', '{"a":1}', -32600],
    ['longer than it may be', JSON.stringify(toolCall(1, 'echo', { text: 'a'.repeat(100_000) })), -32600],
  ])('that is %s gets an error, and the next one is served', async (_, line, code) => {
    const lines = new Lines()
    lines.send(initialize())
    lines.child.stdin.write(line)
    lines.send('', toolCall(2, 'echo', { text: 'b' }))
    expect((await lines.answer(2)).result.content[0].text).toBe('b')
    expect(lines.messages.filter(({ error }) => error).map(({ error }) => error?.code)).toEqual([code])
  })

  test('of a batch of 2025-03-26 are answered', async () => {
    const lines = new Lines()
    lines.send(
      initialize('2025-03-26'),
      initialized,
      `[${JSON.stringify(request(1, 'ping'))},${JSON.stringify(request(2, 'ping'))}]`,
    )
    await eventually(async () => lines.messages.flat().some(({ id }) => id === 2) || undefined)
  })

  test.each([
    ['with a session', [initialize(), initialized], {}],
    ['without one', [], { ...META, 'io.modelcontextprotocol/logLevel': 'info' }],
  ])('of progress and logs come before the result of a call %s', async (_, first, meta) => {
    const lines = new Lines()
    lines.send(...first, toolCall(1, 'count', {}, { ...meta, progressToken: 7 }))
    await lines.answer(1)
    const steps = lines.messages.filter(({ method }) => method === 'notifications/progress')
    expect(steps.map(({ params }) => [params.progressToken, params.message])).toContainEqual([7, 'step 1'])
    const at = lines.messages.findIndex(({ method }) => method === 'notifications/message')
    expect(at).toBeGreaterThan(0)
    expect(at).toBeLessThan(lines.messages.findIndex(({ id }) => id === 1))
  })

  test('announce list changes and updates to a client with a session', async () => {
    const lines = new Lines()
    lines.send(initialize(), initialized)
    await lines.answer(0)
    lines.send(request(1, 'resources/subscribe', { uri: 'notes://a' }))
    await lines.answer(1)
    lines.send(toolCall(2, 'change'))
    await lines.until(({ method }) => method === 'notifications/tools/list_changed')
    await lines.until(
      ({ method, params }) => method === 'notifications/resources/updated' && params.uri === 'notes://a',
    )
  })

  test('announce them to a stateless client that listens, until it cancels', async () => {
    const lines = new Lines()
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['notes://a'] }
    lines.send(request(1, 'subscriptions/listen', { notifications, _meta: META }))
    await lines.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    lines.send(toolCall(2, 'change', {}, META))
    await lines.until(({ method }) => method === 'notifications/tools/list_changed')
    lines.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    lines.child.stdin.end()
    expect(await lines.ended()).toBe(0)
  })

  test('of a call whose stream the handler has closed arrive all the same', async () => {
    const lines = new Lines()
    lines.send(initialize(), initialized, toolCall(1, 'resumed'))
    expect((await lines.answer(1)).result.content[0].text).toBe('resumed')
  })

  test('SIGTERM ends the process after what runs', async () => {
    const lines = new Lines()
    lines.send(initialize())
    await lines.answer(0)
    lines.child.kill('SIGTERM')
    expect(await lines.ended()).toBe(0)
  })

  test('a host that has gone ends the process', async () => {
    const lines = new Lines()
    lines.send(initialize())
    await lines.answer(0)
    lines.child.stdout.destroy()
    lines.send(toolCall(1, 'count'))
    await once(lines.child, 'exit')
  })
})
