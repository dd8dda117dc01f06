/** `ctx.waitUntil`: work after the answer, in sessions and in the stateless revision. */
import { McpServer } from 'mcp-anywhere'
import { describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { Afterwork } from '../../lib/runtime/afterwork.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { body, headers } from '../stateless/requests.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, toolCall } from '../support/raw.ts'

const LIMIT = 30_000

/** An endpoint whose tool leaves work, one promise for each call, and the errors that are reported. */
function start(options: EndpointOptions = {}) {
  const clock = new ManualClock()
  const server = new McpServer({ name: 's', version: '1' })
  const works: PromiseWithResolvers<void>[] = []
  const leave = (waitUntil: (work: Promise<unknown>) => void) => {
    const work = Promise.withResolvers<void>()
    works.push(work)
    waitUntil(work.promise)
    return { content: [{ type: 'text' as const, text: 'done' }] }
  }
  server.registerTool('now', {}, (ctx) => leave((work) => ctx.waitUntil(work)))
  server.registerTool('later', {}, async (ctx) => {
    await new Promise(setImmediate)
    return leave((work) => ctx.waitUntil(work))
  })
  const errors: unknown[] = []
  const endpoint = createEndpoint(server, {
    clock,
    store: memoryStore({ clock }),
    onError: (error) => void errors.push(error),
    ...options,
  })
  const settled = () => stateOf(endpoint.settled())
  return { endpoint, clock, works, errors, settled }
}

/** Whether a promise has settled after a moment. */
async function stateOf(promise: Promise<unknown>): Promise<'settled' | 'pending'> {
  let state: 'settled' | 'pending' = 'pending'
  void promise.then(() => {
    state = 'settled'
  })
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  return state
}

const json = { accept: ACCEPT_BOTH, 'content-type': 'application/json' }

async function send(endpoint: Endpoint, message: object, more: Record<string, string> = {}) {
  const given = { ...json, ...more }
  return endpoint.fetch(
    new Request('http://localhost/mcp', { method: 'POST', headers: given, body: JSON.stringify(message) }),
  )
}

async function sessionOf(endpoint: Endpoint): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  const response = await send(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return response.headers.get('mcp-session-id') ?? ''
}

async function inSession(endpoint: Endpoint, name: string) {
  const session = await sessionOf(endpoint)
  return (await send(endpoint, toolCall(1, name), { 'mcp-session-id': session })).json()
}

async function stateless(endpoint: Endpoint, name: string) {
  const call = { method: 'tools/call', params: { name } }
  return (await send(endpoint, body(call), headers(call))).json()
}

const answer = { result: { content: [{ text: 'done' }] } }

describe.each([
  ['in a session', inSession],
  ['in the stateless revision', stateless],
])('%s', (_name, call) => {
  test.each(['now', 'later'])('the answer of "%s" comes first, and settled() waits for the work', async (name) => {
    const { endpoint, works, errors, settled } = start()
    expect(await call(endpoint, name)).toMatchObject(answer)
    expect(await settled()).toBe('pending')
    works[0]?.resolve()
    expect(await settled()).toBe('settled')
    expect(errors).toEqual([])
    expect(endpoint.held()).toEqual({ requests: 0, output: 0 })
    await endpoint.close()
  })

  test('a failure is reported, and is no failure of the call', async () => {
    const { endpoint, works, errors, settled } = start()
    expect(await call(endpoint, 'now')).toMatchObject(answer)
    const error = new Error('The audit log is away.')
    works[0]?.reject(error)
    expect(await settled()).toBe('settled')
    expect(errors).toEqual([error])
    await endpoint.close()
  })

  test('after its limit nothing waits for the work, and the log has its name', async () => {
    const { endpoint, clock, works, errors, settled } = start()
    await call(endpoint, 'later')
    await clock.advance(LIMIT - 1)
    expect([await settled(), errors]).toEqual(['pending', []])
    await clock.advance(1)
    expect(await settled()).toBe('settled')
    expect(errors).toMatchObject([
      {
        message:
          'ctx.waitUntil: a promise of tools/call "later" had not settled after 30 s (session.waitUntilLimit), so nothing ' +
          'waits for it any longer.',
      },
    ])
    // A late failure is reported, too.
    works[0]?.reject(new Error('late'))
    await settled()
    expect(errors).toMatchObject([{}, { message: 'late' }])
    await endpoint.close()
  })

  test('a drain waits for it', async () => {
    const { endpoint, works, errors } = start()
    await call(endpoint, 'now')
    const closed = endpoint.close()
    expect(await stateOf(closed)).toBe('pending')
    works[0]?.resolve()
    await closed
    expect(errors).toEqual([])
  })

  test('a drain waits for its own time at most, and the log has the names', async () => {
    const { endpoint, clock, errors } = start({ session: { drainTimeout: 1_000 } })
    for (const name of ['now', 'now', 'later']) await call(endpoint, name)
    const closed = endpoint.close()
    expect(await stateOf(closed)).toBe('pending')
    await clock.advance(1_000)
    await closed
    expect(errors).toMatchObject([
      {
        message:
          'ctx.waitUntil: 3 promises of tools/call "now", tools/call "later" had not settled when this instance shut down.',
      },
    ])
  })

  test('an environment sleeps when the work is done, or its time is over', async () => {
    const { endpoint, clock, works, errors } = start()
    await call(endpoint, 'now')
    const asleep = endpoint.rest(clock.now() + 5_000)
    expect(await stateOf(asleep)).toBe('pending')
    works[0]?.resolve()
    await asleep
    expect(errors).toEqual([])
    await call(endpoint, 'now')
    const late = endpoint.rest(clock.now() + 5_000)
    await clock.advance(4_999)
    await late
    expect(errors).toMatchObject([{ message: expect.stringContaining('when the time of this invocation was over') }])
    await endpoint.close()
  })
})

test('work that is left when a drain has given up holds up nothing', async () => {
  const clock = new ManualClock()
  const errors: unknown[] = []
  const options = defaultsOf(SETTINGS.session)
  const instance = new Instance(memoryStore({ clock }), options, clock, (error) => void errors.push(error))
  const afterwork = new Afterwork(instance)
  afterwork.close('when this instance shut down')
  const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'late' } } as const
  afterwork.add(new Promise(() => {}), request, () => {})
  expect(await stateOf(instance.settled())).toBe('settled')
  const message = 'ctx.waitUntil: a promise of tools/call "late" had not settled when this instance shut down.'
  expect(errors).toMatchObject([{ message }])
})

test('work counts among the calls of its session until it is done', async () => {
  const { endpoint, works } = start({ session: { maxCalls: 2 } })
  const session = await sessionOf(endpoint)
  const call = async () => (await send(endpoint, toolCall(1, 'later'), { 'mcp-session-id': session })).json()
  expect(await call()).toMatchObject(answer)
  expect(await call()).toMatchObject(answer)
  expect(await call()).toMatchObject({ error: { message: expect.stringContaining('2 calls running') } })
  works[0]?.resolve()
  await new Promise(setImmediate)
  expect(await call()).toMatchObject(answer)
  for (const work of works) work.resolve()
  await endpoint.close()
})

test('work that nothing waits for any longer still counts until it settles', async () => {
  const { endpoint, clock, works } = start({ session: { maxCalls: 1 } })
  const session = await sessionOf(endpoint)
  const call = async () => (await send(endpoint, toolCall(1, 'later'), { 'mcp-session-id': session })).json()
  expect(await call()).toMatchObject(answer)
  await clock.advance(LIMIT)
  expect(await call()).toHaveProperty('error')
  works[0]?.resolve()
  await new Promise(setImmediate)
  expect(await call()).toMatchObject(answer)
  works[1]?.resolve()
  await endpoint.close()
})

test('work counts among the calls of its principal until it is done', async () => {
  const { endpoint, works } = start({ auth: 'middleware', session: { maxCallsPerPrincipal: 1 } })
  const call = async () => {
    const request = { method: 'tools/call', params: { name: 'now' } }
    const given = { ...json, ...headers(request) }
    const init = { method: 'POST', headers: given, body: JSON.stringify(body(request)) }
    const auth = { token: 't', clientId: 'c', scopes: [], extra: { sub: 'ada', iss: 'https://i.example' } }
    return endpoint.fetch(new Request('http://localhost/mcp', init), { auth })
  }
  expect((await call()).status).toBe(200)
  expect((await call()).status).toBe(429)
  works[0]?.resolve()
  await new Promise(setImmediate)
  expect((await call()).status).toBe(200)
  works[1]?.resolve()
  await endpoint.close()
})
