/** Three instances on one Redis: each session has one process, at one of them, and its requests may reach any. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import {
  answerOf,
  call,
  type EventReader,
  getStream,
  initialize,
  post,
  postStream,
  type RawSession,
  type RpcMessage,
  request,
  toolCall,
} from '../../support/raw.ts'
import { ended, valueIn } from './program.ts'

const SESSION = { lease: 2_000, heartbeat: 500 }
const MODULE = '../cli/isolate/served.ts'
const meta = { progressToken: 'p' }

let fleet: Fleet
beforeAll(async () => {
  fleet = await startFleet({ session: SESSION, legacySse: true }, { module: MODULE })
})
afterAll(() => fleet.stop())

/** What the tool returned. */
// biome-ignore lint/suspicious/noExplicitAny: results of every shape
function resultOf({ result, error }: RpcMessage): any {
  if (error) throw new Error(error.message)
  return valueIn(result.content[0].text)
}

let ids = 0
const use = async (at: number, session: RawSession, name: string, args: object = {}) =>
  resultOf(await call(fleet.at(at), session, toolCall(++ids, name, args)))

/** A session whose process is at the instance. */
async function sessionAt(at: number, capabilities: object = { elicitation: { form: {} } }) {
  const session = await initialize(fleet.at(at), '2025-11-25', capabilities)
  const { pid } = await use(at, session, 'whoami')
  return { session, pid: pid as number }
}

test('two official clients behind round robin have one process each, and never see the data of the other', async () => {
  const clients = await Promise.all(
    ['ada', 'bob'].map(async (name) => {
      const client = new Client({ name, version: '1' }, { capabilities: { roots: {} } })
      client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${name}` }] }))
      await client.connect(new StreamableHTTPClientTransport(fleet.url) as never)
      return { name, client }
    }),
  )
  const pids = await Promise.all(
    clients.map(async ({ name, client }) => {
      const seen = new Set<number>()
      for (let i = 0; i < 9; i++) {
        const { content } = await client.callTool({ name: 'whoami' })
        const { pid, roots, client: own } = valueIn((content as { text: string }[])[0]?.text ?? '')
        expect({ own, roots }).toEqual({ own: name, roots: [`file:///${name}`] })
        seen.add(pid)
        await client.callTool({ name: 'note', arguments: { text: `${name} ${i}` } })
      }
      const { content } = await client.callTool({ name: 'notes' })
      const { notes } = valueIn((content as { text: string }[])[0]?.text ?? '')
      expect(notes).toEqual(Array.from({ length: 9 }, (_, i) => `${name} ${i}`))
      expect((await client.listTools()).tools.length).toBeGreaterThan(5)
      return [...seen]
    }),
  )
  expect(pids.map(({ length }) => length)).toEqual([1, 1])
  expect(new Set(pids.flat()).size).toBe(2)
  await Promise.all(clients.map(({ client }) => client.close()))
})

test('a client of HTTP+SSE has a process, too, which knows its roots and samples', async () => {
  const capabilities = { roots: {}, sampling: {} }
  const client = new Client({ name: 'old', version: '1' }, { capabilities })
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///old' }] }))
  const content = { type: 'text' as const, text: 'sampled' }
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content }))
  await client.connect(new SSEClientTransport(new URL('/sse', fleet.proxy.url)))
  const ask = async (name: string) => {
    const result = await client.callTool({ name, arguments: { message: '?' } })
    return valueIn((result.content as { text: string }[])[0]?.text ?? '')
  }
  const { pid } = await ask('whoami')
  for (let i = 0; i < 3; i++) expect(await ask('whoami')).toMatchObject({ pid, roots: ['file:///old'] })
  expect(await ask('sample')).toMatchObject({ content })
  await client.close()
  await ended(pid)
})

test('requests that reach all instances at once begin one process', async () => {
  const session = await initialize(fleet.at(0), '2025-11-25', {})
  const all = await Promise.all([0, 1, 2, 0, 1, 2].map((at) => use(at, session, 'whoami')))
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(1)
})

test('an ask of a relayed call gets the answer that is posted to a third instance', async () => {
  const { session } = await sessionAt(0)
  const stream = await postStream(fleet.at(1), toolCall('a', 'ask', { message: 'Who?' }), { session })
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  const result = { action: 'accept', content: { name: 'Ada' } }
  const answered = await post(fleet.at(2), { jsonrpc: '2.0', id: message?.id, result }, { session })
  expect(answered.status).toBe(202)
  expect(resultOf((await stream.rest()).at(-1) as RpcMessage)).toEqual(result)
})

test('progress and log messages of a relayed call arrive in order, before its response', async () => {
  const { session } = await sessionAt(0)
  const stream = await postStream(fleet.at(1), toolCall('c', 'count', { n: 300, log: true }, meta), { session })
  const messages = await stream.rest()
  const steps = messages
    .filter(({ method }) => method === 'notifications/progress')
    .map(({ params }) => params.progress)
  expect(steps).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  expect(messages.filter(({ method }) => method === 'notifications/message')).toHaveLength(300)
  expect(resultOf(messages.at(-1) as RpcMessage)).toBe('counted to 300')
})

test('a long answer is relayed whole, and an error with its code', async () => {
  const { session } = await sessionAt(0)
  expect(await use(2, session, 'long', { bytes: 3_000_000 })).toHaveLength(3_000_000)
  const { error } = await call(fleet.at(1), session, toolCall(1, 'error'))
  expect(error).toEqual({ code: -32050, message: 'no such thing', data: { a: 1 } })
})

test('a cancel at a third instance reaches the process', async () => {
  const { session } = await sessionAt(0)
  const stream = await postStream(fleet.at(1), toolCall('w', 'wait'), { session })
  await stream.until(({ method }) => method === 'notifications/message')
  await post(
    fleet.at(2),
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w' } },
    { session },
  )
  expect(await stream.rest()).toEqual([])
  await eventually(async () => (await use(0, session, 'cancelled')).length === 1 || undefined)
})

test('level, subscriptions and changed roots reach the process from every instance', async () => {
  const session = await initialize(fleet.at(1), '2025-11-25', { roots: { listChanged: true } })
  const answer = async (stream: EventReader, uri: string) => {
    const { message } = await stream.until(({ method }) => method === 'roots/list')
    await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, result: { roots: [{ uri }] } }, { session })
  }
  const first = await postStream(fleet.at(0), toolCall('first', 'whoami'), { session })
  await answer(first, 'file:///old')
  expect(resultOf((await first.rest()).at(-1) as RpcMessage)).toMatchObject({ roots: ['file:///old'] })
  const stream = await getStream(fleet.at(2), session)
  await post(fleet.at(1), { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session })
  await answer(stream, 'file:///new')
  await eventually(async () => (await use(1, session, 'whoami')).roots?.[0] === 'file:///new' || undefined)
  await answerOf(await post(fleet.at(1), request(1, 'logging/setLevel', { level: 'error' }), { session }))
  await answerOf(await post(fleet.at(2), request(2, 'resources/subscribe', { uri: 'note://1' }), { session }))
  await eventually(async () => (await use(2, session, 'whoami')).level === 'error' || undefined)
  await eventually(async () => (await use(2, session, 'subscribed'))[0] === 'note://1' || undefined)
  await use(1, session, 'changed')
  await stream.until(({ method }) => method === 'notifications/tools/list_changed')
  const { message } = await stream.until(({ method }) => method === 'notifications/resources/updated')
  expect(message?.params).toEqual({ uri: 'note://1' })
  stream.drop()
})

test('DELETE at another instance ends the process', async () => {
  const { session, pid } = await sessionAt(0)
  const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }
  expect((await fetch(fleet.at(1), { method: 'DELETE', headers })).status).toBe(204)
  await ended(pid)
})

test('where the process ends, the relayed calls get one error each, and the next call a new process', async () => {
  const { session, pid } = await sessionAt(0)
  const stream = await postStream(fleet.at(1), toolCall('w', 'wait'), { session })
  await stream.until(({ method }) => method === 'notifications/message')
  process.kill(pid, 'SIGKILL')
  expect((await stream.rest()).at(-1)?.error?.message).toContain('ended (SIGKILL)')
  const { pid: next } = await use(2, session, 'whoami')
  expect(next).not.toBe(pid)
})

test('where the instance of the process is killed, the call that runs gets one error, and the session goes on', async () => {
  const { session, pid } = await sessionAt(0)
  const idle = await sessionAt(0)
  await use(0, session, 'note', { text: 'kept in memory' })
  const stream = await postStream(fleet.at(1), toolCall('w', 'wait'), { session })
  await stream.until(({ method }) => method === 'notifications/message')
  await fleet.instances[0]?.kill()
  const last = (await stream.rest()).at(-1)
  expect(last).toMatchObject({ id: 'w', error: { message: expect.stringContaining('was lost') } })
  expect(last?.error?.message).toContain('what the process kept in memory is lost')
  const { notes, pid: next } = await use(2, session, 'notes')
  expect({ notes, isNew: next !== pid }).toEqual({ notes: [], isNew: true })
  expect(await use(1, session, 'notes')).toMatchObject({ pid: next })
  // A session without a running call gets no error.
  expect((await use(1, idle.session, 'whoami')).pid).not.toBe(idle.pid)
  await Promise.all([ended(pid), ended(idle.pid)])
  await fleet.restart(0, { session: { ...SESSION, drainTimeout: 1_500 } })
})

test('an instance that shuts down lets calls end; what is left gets one error, and the next calls begin elsewhere', async () => {
  const { session, pid } = await sessionAt(0)
  const [idle, late] = [await sessionAt(0), await sessionAt(0)]
  const stream = await postStream(fleet.at(1), toolCall('c', 'count', { n: 20, ms: 20 }, meta), { session })
  await stream.until(({ method }) => method === 'notifications/progress')
  const waiting = await postStream(fleet.at(1), toolCall('w', 'wait'), { session: late.session })
  await waiting.until(({ method }) => method === 'notifications/message')
  fleet.instances[0]?.signal('SIGTERM')
  await ended(idle.pid)
  expect((await use(2, idle.session, 'whoami')).pid).not.toBe(idle.pid)
  const during = await use(2, session, 'whoami')
  expect(during.pid).not.toBe(pid)
  expect(resultOf((await stream.rest()).at(-1) as RpcMessage)).toBe('counted to 20')
  expect((await waiting.rest()).at(-1)?.error?.message).toContain('shut down')
  expect(await fleet.instances[0]?.ended()).toBe(0)
  await Promise.all([ended(pid), ended(late.pid)])
  // An instance that was told of the process before finds the new one.
  expect(await use(1, session, 'whoami')).toMatchObject({ pid: during.pid })
  expect((await use(1, late.session, 'whoami')).pid).not.toBe(late.pid)
})

test('where the instance of the client is killed, the process is not left with its call', async () => {
  const { session } = await sessionAt(2)
  const stream = await postStream(fleet.at(1), toolCall('w', 'wait'), { session })
  await stream.until(({ method }) => method === 'notifications/message')
  await fleet.instances[1]?.kill()
  await stream.rest()
  await eventually(async () => (await use(2, session, 'cancelled')).length === 1 || undefined)
})
