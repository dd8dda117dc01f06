/** A program for one client, with a process for each session of one instance. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, expect, test } from 'vitest'
import type { IsolateOptions } from '../../../lib/cli/serve/isolate/types.ts'
import { createEndpoint } from '../../../lib/endpoint.ts'
import { type TestClient, type TestClientOptions, testClient } from '../../../lib/testing.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, lives, program, valueIn } from './program.ts'

const open: (() => Promise<unknown> | undefined)[] = []
const lines: string[] = []
const reported: string[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
  lines.length = 0
  reported.length = 0
})

async function connect(options: TestClientOptions = {}, bounds: Partial<IsolateOptions> = {}, mode = '') {
  const log = (line: string, session: string) => void lines.push(`${session} ${line}`)
  const dispatcher = program({ log, ...bounds }, mode)
  open.push(() => dispatcher.close?.())
  const onError = (error: unknown) => reported.push((error as Error).message)
  const client = await testClient(dispatcher, { ...options, endpoint: { onError, ...options.endpoint } })
  open.push(() => client[Symbol.asyncDispose]())
  return client
}

async function another(client: TestClient, user: TestClientOptions = {}): Promise<TestClient> {
  const other = await client.another(user)
  open.push(() => other[Symbol.asyncDispose]())
  return other
}

interface Result {
  content: { text: string }[]
}

// biome-ignore lint/suspicious/noExplicitAny: results of every shape
async function call(client: TestClient, name: string, args: object = {}, options: object = {}): Promise<any> {
  const { content } = (await client.callTool({ name, arguments: { ...args } }, options)) as Result
  return valueIn(content[0]?.text ?? '')
}

test('two clients have a process each, which has their roots, their name and their state', async () => {
  const ada = await connect({ roots: [{ uri: 'file:///ada' }] })
  const bob = await another(ada, { roots: [{ uri: 'file:///bob' }], revision: '2025-06-18' })
  const [first, second] = await Promise.all([call(ada, 'whoami'), call(bob, 'whoami')])
  expect(first).toMatchObject({ client: 'test', version: '2025-11-25', roots: ['file:///ada'], initialized: 1 })
  expect(second).toMatchObject({ client: 'test', version: '2025-06-18', roots: ['file:///bob'], initialized: 1 })
  expect(first.pid).not.toBe(second.pid)
  await Promise.all([call(ada, 'note', { text: 'a' }), call(bob, 'note', { text: 'b' })])
  expect(await call(ada, 'notes')).toEqual({ pid: first.pid, notes: ['a'] })
  expect(await call(bob, 'notes')).toEqual({ pid: second.pid, notes: ['b'] })
  expect((await ada.listTools()).tools.map(({ name }) => name)).toContain('whoami')
  expect(ada.getServerVersion()).toMatchObject({ name: 'program', version: '1.0.0' })
  expect(ada.getInstructions()).toBe('A program for one client.')
})

test('asks, progress, log messages and errors of concurrent calls are those of their client', async () => {
  const asked: string[] = []
  const elicit = (name: string) => (params: { message: string }) => {
    asked.push(`${name} ${params.message}`)
    return { action: 'accept' as const, content: { name } }
  }
  const ada = await connect({ elicit: elicit('ada') })
  const bob = await another(ada, { elicit: elicit('bob') })
  const answers = await Promise.all([call(ada, 'ask', { message: 'a?' }), call(bob, 'ask', { message: 'b?' })])
  expect(answers.map(({ content }) => content.name)).toEqual(['ada', 'bob'])
  expect(asked.sort()).toEqual(['ada a?', 'bob b?'])
  const seen: number[][] = [[], []]
  await Promise.all(
    seen.map((progress) =>
      call(
        ada,
        'count',
        { n: 20, ms: 1 },
        { onprogress: (step: { progress: number }) => progress.push(step.progress) },
      ),
    ),
  )
  const all = Array.from({ length: 20 }, (_, i) => i + 1)
  expect(seen).toEqual([all, all])
  await expect(call(ada, 'error')).rejects.toMatchObject({
    code: -32050,
    message: expect.stringContaining('no such thing'),
  })
})

test('a cancel reaches the process', async () => {
  const client = await connect()
  const controller = new AbortController()
  client.setNotificationHandler('notifications/message', () => controller.abort('enough'))
  await expect(call(client, 'wait', {}, { signal: controller.signal })).rejects.toThrow()
  await eventually(async () => (await call(client, 'cancelled')).length === 1 || undefined)
})

test('log level and subscriptions reach the process, and one that is started later', async () => {
  const client = await connect()
  const { pid } = await call(client, 'whoami')
  await client.setLoggingLevel('warning')
  await client.subscribeResource({ uri: 'note://1' })
  expect(await call(client, 'subscribed')).toEqual(['note://1'])
  expect(await call(client, 'whoami')).toMatchObject({ pid, level: 'warning' })
  await expect(call(client, 'exit', { code: 7 })).rejects.toThrow('exit code 7')
  const second = await call(client, 'whoami')
  expect(second).toMatchObject({ level: 'warning' })
  expect(second.pid).not.toBe(pid)
  expect(await call(client, 'subscribed')).toEqual(['note://1'])
  await client.unsubscribeResource({ uri: 'note://1' })
  expect(await call(client, 'subscribed')).toEqual([])
})

test('changes of one process are for its session, and resources for those who subscribed', async () => {
  const ada = await connect()
  const bob = await another(ada)
  const seen: string[] = []
  for (const [name, client] of Object.entries({ ada, bob })) {
    client.setNotificationHandler('notifications/tools/list_changed', () => void seen.push(`${name} tools`))
    client.setNotificationHandler(
      'notifications/resources/updated',
      ({ params }) => void seen.push(`${name} ${params.uri}`),
    )
  }
  await ada.subscribeResource({ uri: 'note://2' })
  await call(bob, 'whoami')
  await call(ada, 'changed')
  await eventually(async () => seen.length >= 2 || undefined)
  await call(bob, 'changed')
  await eventually(async () => seen.length >= 3 || undefined)
  expect(seen).toEqual(['ada tools', 'ada note://2', 'bob tools'])
})

test.each([{}, { ms: 10 }])(
  'an ask that its call does not wait for goes on the stream of the session %j',
  async (when) => {
    let path = 'one'
    const client = await connect({ roots: () => [{ uri: `file:///${path}` }] })
    expect(await call(client, 'whoami')).toMatchObject({ roots: ['file:///one'] })
    path = 'two'
    await call(client, 'ask_and_end', when)
    await eventually(async () => (await call(client, 'whoami')).roots[0] === 'file:///two' || undefined)
  },
)

test('the end of a process is the one error of each call that runs, and the session goes on', async () => {
  const client = await connect()
  const waiting = call(client, 'wait')
  const other = waiting.catch((error: Error) => error.message)
  await eventually(async () => (await call(client, 'cancelled')) && true)
  await expect(call(client, 'exit', { code: 0 })).rejects.toThrow('exit code 0')
  expect(await other).toContain('exit code 0')
  expect(await other).toContain('what the process kept in memory is lost')
  expect(await call(client, 'notes')).toMatchObject({ notes: [] })
  const { pid } = await call(client, 'whoami')
  await expect(call(client, 'close')).rejects.toThrow('it closed its output')
  await ended(pid)
  expect((await call(client, 'whoami')).pid).not.toBe(pid)
})

test('text on stdout that is no message is dropped and reported once, and stderr has its session', async () => {
  const client = await connect()
  expect(await call(client, 'noise')).toBe('was noisy')
  expect(await call(client, 'noise')).toBe('was noisy')
  expect(reported.filter((text) => text.includes('text that is no message'))).toHaveLength(1)
  const { pid } = await call(client, 'whoami')
  expect(lines.find((line) => line.includes(`started ${pid}`))).toMatch(/^[\w-]{22} started/)
})

test('an answer that is too long is an error of its call', async () => {
  const client = await connect({}, { maxMessage: 50_000 })
  await expect(call(client, 'long', { bytes: 100_000 })).rejects.toThrow('longer than it may be')
  expect(await call(client, 'long', { bytes: 40_000 })).toHaveLength(40_000)
})

test('the process that was not used for longest ends where there is no room, and a request is refused where all are used', async () => {
  const ada = await connect({}, { processes: 2 })
  const bob = await another(ada)
  const cid = await another(ada)
  const first = await call(ada, 'whoami')
  const second = await call(bob, 'whoami')
  await call(cid, 'whoami')
  await ended(first.pid)
  expect(lives(second.pid)).toBe(true)
  const all = [call(bob, 'wait'), call(cid, 'wait')]
  for (const each of all) each.catch(() => {})
  await eventually(async () => (await call(bob, 'cancelled')) && true)
  await eventually(async () => (await call(cid, 'cancelled')) && true)
  await expect(call(ada, 'whoami')).rejects.toThrow('runs 2 processes, and each of them has a request')
})

test('a principal has so many processes, and those of others stay', async () => {
  const user = (sub: string) => ({ auth: { token: 't', clientId: 'c', scopes: [], extra: { sub } } })
  const ada = await connect(user('ada'), { processesPerPrincipal: 1 })
  const bob = await another(ada, user('bob'))
  const again = await another(ada, user('ada'))
  const [first, others] = [await call(ada, 'whoami'), await call(bob, 'whoami')]
  const second = await call(again, 'whoami')
  expect(second.pid).not.toBe(first.pid)
  await ended(first.pid)
  expect(lives(others.pid)).toBe(true)
  const waiting = call(again, 'wait')
  waiting.catch(() => {})
  await eventually(async () => (await call(again, 'cancelled')) && true)
  await expect(call(ada, 'whoami')).rejects.toThrow('You have 1 processes')
})

test('a process without a request ends, and the next request starts one', async () => {
  const client = await connect({}, { idle: 60_000 })
  const { pid } = await call(client, 'whoami')
  await client.advance(59_000)
  expect(await call(client, 'whoami')).toMatchObject({ pid })
  await client.advance(61_000)
  await ended(pid)
  expect((await call(client, 'whoami')).pid).not.toBe(pid)
})

test('DELETE ends the process', async () => {
  const client = await connect()
  const other = await another(client)
  const { pid } = await call(other, 'whoami')
  await (other.transport as unknown as { terminateSession(): Promise<void> }).terminateSession()
  await ended(pid)
})

test('the end of the endpoint ends every process, also one that ignores the end of its input and SIGTERM', async () => {
  const client = await connect({}, {}, 'stubborn')
  const { pid } = await call(client, 'whoami')
  for (const close of open.splice(0).reverse()) await close()
  expect(lives(pid)).toBe(false)
  for (const line of lines) expect(lives(Number(/started (\d+)/.exec(line)?.[1]))).toBe(false)
})

test('a process that ignores the end of its input ends with its instance, also where that is killed', async () => {
  const parent = spawn(process.execPath, [join(import.meta.dirname, 'parent.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
  const { pid } = valueIn(JSON.parse(line).result.content[0].text)
  expect(lives(pid)).toBe(true)
  parent.kill('SIGKILL')
  await ended(pid)
})

test('a program that does not start stops the start with one line', async () => {
  const dispatcher = program({}, 'broken')
  open.push(() => dispatcher.close?.())
  await expect(testClient(dispatcher, { endpoint: { onError: () => {} } })).rejects.toThrow()
  const missing = program({ command: '/nowhere/program' })
  open.push(() => missing.close?.())
  const endpoint = createEndpoint(dispatcher, { onError: () => {} })
  await expect(endpoint.ready()).rejects.toThrow(
    'the program does not answer "initialize" on its stdout: it ended (exit code 3). Its last line on stderr: The key is missing.',
  )
  await expect(createEndpoint(missing, { onError: () => {} }).ready()).rejects.toThrow('ENOENT')
})

test('a client without a session has the process of its principal, and is refused without one', async () => {
  const revision = '2026-07-28'
  await expect(connect({ revision })).rejects.toThrow('needs authorization')
  const user = (sub: string) => ({ revision, auth: { token: 't', clientId: 'c', scopes: [], extra: { sub } } })
  const ada = await connect({ ...user('ada'), elicit: () => ({ action: 'accept', content: { name: 'Ada' } }) })
  const again = await another(ada, user('ada'))
  const bob = await another(ada, user('bob'))
  const { pid } = await call(ada, 'whoami')
  expect(await call(again, 'whoami')).toMatchObject({ pid })
  expect((await call(bob, 'whoami')).pid).not.toBe(pid)
  expect(await call(ada, 'ask_read_only', { message: '?' })).toMatchObject({ content: { name: 'Ada' } })
  // A tool that says nothing of itself must not run again: its run waits for the answer.
  expect(await call(ada, 'ask', { message: '?' })).toMatchObject({ content: { name: 'Ada' } })
  expect(await call(ada, 'runs')).toEqual({ ask: 1, ask_read_only: 2 })
})

test('a client that knows both takes a session where there is no principal', async () => {
  const dispatcher = program()
  open.push(() => dispatcher.close?.())
  const endpoint = createEndpoint(dispatcher)
  open.push(() => endpoint.close())
  const client = new Client({ name: 'both', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const fetch = (url: string | URL, init?: RequestInit) => endpoint.fetch(new Request(url, init))
  await client.connect(new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch }))
  expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25')
  expect((await client.callTool({ name: 'whoami' })).content).toHaveLength(1)
  await client.close()
})

test('options of tools hold for a program, too', async () => {
  const user = (scopes: string[]) => ({ auth: { token: 't', clientId: 'c', scopes, extra: { sub: 'ada' } } })
  const tools = { note: { requiredScopes: ['notes'] }, exit: { visible: () => false } }
  const client = await connect(user([]), { tools })
  const names = (await client.listTools()).tools.map(({ name }) => name)
  expect(names).toContain('whoami')
  expect(names).not.toContain('note')
  expect(names).not.toContain('exit')
  await expect(call(client, 'note', { text: 'x' })).rejects.toThrow()
  await expect(call(client, 'exit', { code: 1 })).rejects.toThrow('Unknown tool exit')
  const allowed = await another(client, user(['notes']))
  expect(await call(allowed, 'note', { text: 'x' })).toEqual(['x'])
  const unknown = program({ tools: { nte: {} } })
  open.push(() => unknown.close?.())
  await expect(createEndpoint(unknown, { onError: () => {} }).ready()).rejects.toThrow('tools names "nte"')
})
