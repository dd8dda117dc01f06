/** The retry queue: operations of ended calls that the store has not done, while it is unreachable and afterwards. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { readOptions } from '../../lib/options.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { RetryQueue } from '../../lib/runtime/retry-queue.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { SETTINGS } from '../../lib/settings.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A queue whose operations fail as long as `seen.away` is true. */
function makeQueue(lifetime = 24 * HOUR) {
  const clock = new ManualClock()
  const errors: unknown[] = []
  const queue = new RetryQueue(clock, lifetime, (error) => errors.push(error))
  const seen = { away: true, attempts: 0, done: [] as number[], running: 0, most: 0 }
  const add = (n: number) =>
    queue.add(async () => {
      seen.attempts++
      seen.most = Math.max(seen.most, ++seen.running)
      await new Promise(setImmediate)
      seen.running--
      if (seen.away) throw new StoreUnavailable('away')
      seen.done.push(n)
    })
  return { clock, queue, errors, seen, add }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('an operation is tried at once, and then with pauses that grow up to a minute', async () => {
  const { clock, seen, add } = makeQueue()
  add(1)
  expect(seen.attempts).toBe(1)
  await turn()
  await clock.advance(6_000)
  expect(seen.attempts).toBe(2)
  await clock.advance(2 * HOUR)
  expect(seen.attempts).toBeGreaterThan(100)
  // Half a minute to a minute each.
  expect(seen.attempts).toBeLessThan(245)
  seen.away = false
  await clock.advance(MINUTE)
  expect(seen.done).toEqual([1])
  const { attempts } = seen
  await clock.advance(HOUR)
  expect(seen.attempts).toBe(attempts)
})

test('a store that is reachable again gets the operations in order, one at a time', async () => {
  const { clock, seen, add } = makeQueue()
  for (const n of numbers(0, 300)) add(n)
  await turn()
  seen.away = false
  seen.most = 0
  await clock.advance(6_000)
  await expect.poll(() => seen.done.length).toBe(300)
  expect(seen.done).toEqual(numbers(0, 300))
  expect(seen.most).toBe(1)
})

test('what the store does not do for one operation makes no other one wait longer', async () => {
  const { clock, queue, seen, add } = makeQueue()
  seen.away = false
  let fails = true
  queue.add(() => (fails ? Promise.reject(new StoreUnavailable('this part of it')) : Promise.resolve()))
  await turn()
  // Troubles come again and again, as they do in a bad hour, and something is done in between.
  for (let i = 0; i < 20; i++) {
    seen.away = true
    add(i)
    await turn()
    seen.away = false
    await clock.advance(6_000)
    expect(seen.done).toEqual(numbers(0, i + 1))
  }
  fails = false
})

test('a store that is back is not kept waiting by the pauses of the time when it was away', async () => {
  const { clock, queue, seen, add } = makeQueue()
  add(1)
  await clock.advance(HOUR)
  seen.away = false
  queue.again()
  await clock.advance(1_000)
  expect(seen.done).toEqual([1])
})

test('an instance whose store confirms a sign of life after a break tries at once what waits', async () => {
  const clock = new ManualClock()
  let away = false
  const offline: Step = (proceed) => (away ? Promise.reject(new StoreUnavailable('away')) : proceed())
  const store = interceptedStore({ up: offline, deleteValue: offline })
  const session = readOptions('session', SETTINGS.session, { lease: 6_000 })
  const instance = new Instance(store, session, clock, () => {})
  instance.add('call', { token: 'a', receive() {}, beat() {}, abandon: async () => {} })
  await instance.attend()
  await clock.advance(10_000)
  away = true
  let done = 0
  instance.retry.add(() => store.deleteValue('used', 'a').then(() => done++))
  await clock.advance(HOUR)
  expect(done).toBe(0)
  away = false
  await clock.advance(2_000)
  expect(done).toBe(1)
  await instance.stop()
})

test('a failing operation does not delay the others, and an error that is not of the store is reported', async () => {
  const { clock, queue, errors, seen, add } = makeQueue()
  queue.add(() => Promise.reject(new StoreUnavailable('this part of it')))
  queue.add(() => Promise.reject(new TypeError('wrong')))
  add(1)
  await turn()
  expect(errors).toEqual([new TypeError('wrong')])
  seen.away = false
  await clock.advance(6_000)
  await turn()
  expect(seen.done).toEqual([1])
})

test('a full queue drops its oldest operation', async () => {
  const { clock, seen, add } = makeQueue()
  for (const n of numbers(0, 6_000)) add(n)
  await turn()
  seen.away = false
  await clock.advance(6_000)
  await expect.poll(() => seen.done.length).toBe(5_000)
  expect(seen.done).toEqual(numbers(1_000, 6_000))
})

test('an operation is dropped after the lifetime of a session', async () => {
  const { clock, seen, add } = makeQueue(HOUR)
  add(1)
  await clock.advance(2 * HOUR)
  const { attempts } = seen
  seen.away = false
  await clock.advance(2 * HOUR)
  expect([seen.attempts, seen.done]).toEqual([attempts, []])
})

/** An endpoint with one slow call that has ended, in a session that may have one call at a time. */
async function endpointWith(endCall: Step) {
  const clock = new ManualClock()
  const done = Promise.withResolvers<string>()
  const server = new McpServer({ name: 'retry-queue', version: '1' })
  server.registerTool('act', {}, async () => ({ content: [{ type: 'text', text: await done.promise }] }))
  const store = interceptedStore({ endCall })
  const endpoint = createEndpoint(server, { clock, store, onError: () => {}, session: { maxCalls: 1 } })
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: ACCEPT_BOTH }
  const send = async (message: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })
    return endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  headers['mcp-session-id'] = (await send({ method: 'initialize', params })).headers.get('mcp-session-id') ?? ''
  const act = () => send({ method: 'tools/call', params: { name: 'act', arguments: {} } })
  const answered = act()
  await turn()
  await clock.advance(100)
  done.resolve('done')
  return { clock, endpoint, act, answered }
}

test('an ended call frees its slot of the session although the store was unreachable for two hours', async () => {
  let away = true
  const { clock, act, answered } = await endpointWith((proceed) =>
    away ? Promise.reject(new StoreUnavailable('away')) : proceed(),
  )
  expect((await answered).status).toBe(200)
  await clock.advance(2 * HOUR)
  away = false
  await clock.advance(MINUTE)
  const again = act()
  await clock.advance(100)
  expect(await (await again).text()).toContain('done')
})

test('a closing endpoint tries the operations once more', async () => {
  let attempts = 0
  let away = true
  const ended: unknown[] = []
  const { endpoint, answered } = await endpointWith(async (proceed) => {
    attempts++
    if (away) throw new StoreUnavailable('away')
    ended.push(await proceed())
  })
  await answered
  const before = attempts
  away = false
  await endpoint.close()
  expect([attempts - before, ended.length]).toEqual([1, 1])
})

test('a store that does not answer delays a closing endpoint by a second at most', async () => {
  let attempts = 0
  const { clock, endpoint, answered } = await endpointWith(() => {
    if (++attempts > 2) return new Promise(() => {})
    return Promise.reject(new StoreUnavailable('away'))
  })
  await answered
  let closed = false
  void endpoint.close().then(() => (closed = true))
  await turn()
  expect([attempts, closed]).toEqual([3, false])
  await clock.advance(1_000)
  expect(closed).toBe(true)
})
