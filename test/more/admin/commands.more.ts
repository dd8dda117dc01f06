/** The commands of an operator against three instances that share a Redis. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectCalls } from '../../../lib/admin/calls.ts'
import { type CallView, type SessionView, viewOf, walkSessions } from '../../../lib/admin/sessions.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { readKeyRing } from '../../../lib/base/sealing.ts'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import { sealedStore } from '../../../lib/store/sealed.ts'
import type { AdminStore, Store } from '../../../lib/store/store.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/ports.ts'
import {
  call,
  type EventReader,
  getStream,
  initialize,
  post,
  postStream,
  type RawSession,
  request,
} from '../../support/raw.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { Deployment, end, runHere } from './fleet.ts'

let redis: RedisServer
let fleet: Deployment
let store: Store
let admin: AdminStore
const at = (i: number) => fleet.instances[i]?.url ?? ''

beforeAll(async () => {
  redis = await startRedis()
  // With a short lease an instance that was killed is found dead soon. The three live on, also where the machine stands still.
  fleet = new Deployment(redis.url, { INSTANCE_REPORT_SECONDS: '5', LEASE_SECONDS: '1' })
  await Promise.all([0, 1, 2].map(() => fleet.start({ LEASE_SECONDS: '10' })))
  store = sealedStore(redisStore(redis.url), readKeyRing(fleet.env.MCP_SECRET ?? ''))
  admin = (await store.admin?.()) as AdminStore
})

afterAll(async () => {
  await store.close()
  await fleet.stop()
  await redis.stop()
})

const keyOf = ({ id }: RawSession) => sessionKey('', id)

/** A call whose handler waits until it is aborted. Its stream is held by the instance that runs it. */
async function gatedCall(url: string, session: RawSession, id = 1): Promise<EventReader> {
  const params = { name: 'gated', arguments: { gate: `never ${id}` }, _meta: { progressToken: id } }
  const reader = await postStream(url, request(id, 'tools/call', params), { session })
  await reader.until(({ method }) => method === 'notifications/progress')
  return reader
}

async function sessionsListed(): Promise<SessionView[]> {
  const page = await walkSessions(admin, 'all', undefined, 1_000)
  return (page?.sessions ?? []).map(viewOf)
}

test('instances lists each that reports itself, and one that has drained is gone at once', async () => {
  const fourth = await fleet.start()
  const listed = async () => (await fleet.json('instances')).instances as Record<string, unknown>[]
  const all = await eventually(async () => {
    const found = await listed()
    return found.length === 4 ? found : undefined
  })
  const pids = fleet.instances.map(({ child }) => child.pid)
  expect(all.map(({ pid }) => pid).sort()).toEqual(pids.sort())
  for (const one of all) {
    expect(one).toMatchObject({ server: 'everything', version: '1.0.0', state: 'serving', calls: 0 })
    expect(Date.parse(one.since as string)).toBeLessThanOrEqual(Date.now())
  }
  await end(fourth, 'SIGTERM')
  expect((await listed()).map(({ pid }) => pid).sort()).toEqual(pids.filter((pid) => pid !== fourth.child.pid).sort())
  const { stdout } = await fleet.spawn('instances')
  expect(stdout.split('\n')[0]).toMatch(/^INSTANCE +SERVER +VERSION +HOST +PID +UP +CALLS +STREAMS +REPORTED +STATE$/)
})

test('sessions shows whose, since when and where, and nothing with which a session could be used', async () => {
  const session = await initialize(at(0))
  const stream = await getStream(at(1), session)
  const call = await gatedCall(at(2), session)
  const [one] = (await fleet.json('sessions', '--session', keyOf(session))).sessions as Record<string, unknown>[]
  expect(one).toMatchObject({ client: { name: 'raw', version: '1' }, revision: '2025-11-25', streams: 2 })
  expect(one?.calls).toMatchObject([{ request: 1, state: 'running' }])
  expect(one?.instances).toHaveLength(2)
  const { stdout } = await fleet.run('sessions')
  expect(stdout).toContain(keyOf(session))
  const everything = `${stdout}${JSON.stringify(one)}${(await fleet.run('calls')).stdout}`
  for (const id of [session.id, ...call.events.map((event) => event.id?.split('.')[0] ?? '-')]) {
    if (id !== '-') expect(everything).not.toContain(id)
  }
  stream.drop()
  call.drop()
  expect((await fetch(at(0), { method: 'DELETE', headers: { 'mcp-session-id': session.id } })).status).toBe(204)
})

test('sessions --end does what DELETE does: streams of other instances close, calls stop, requests are 404', async () => {
  const session = await initialize(at(0))
  const stream = await getStream(at(1), session)
  const call = await gatedCall(at(2), session)
  const { code, stdout } = await fleet.run('sessions', '--end', keyOf(session))
  expect([code, stdout]).toEqual([0, 'The session has ended. Streams that close: 2. Calls that stop: 1.\n'])
  expect(await stream.rest()).toEqual([])
  await call.rest()
  for (const i of [0, 1, 2]) expect((await post(at(i), request(2, 'ping'), { session })).status).toBe(404)
  expect((await sessionsListed()).map(({ key }) => key)).not.toContain(keyOf(session))
  const again = await fleet.run('sessions', '--end', keyOf(session))
  expect(again.code).toBe(1)
  expect(again.stderr).toMatch(/^There is no session with this key\. [^\n]+\n$/)
  // A session id is not a key.
  const other = await initialize(at(0))
  expect((await fleet.run('sessions', '--end', other.id)).code).toBe(1)
  expect((await post(at(1), request(2, 'ping'), { session: other })).status).toBe(200)
})

test('calls says what runs where, and --end gives the client of one an error; the others go on', async () => {
  const session = await initialize(at(0))
  const [first, second] = [await gatedCall(at(1), session, 1), await gatedCall(at(2), session, 2)]
  const calls = (await fleet.json('calls', '--session', keyOf(session))).calls as (CallView & Record<string, unknown>)[]
  expect(calls).toHaveLength(2)
  for (const one of calls) {
    expect(one).toMatchObject({ method: 'tools/call', name: 'gated', state: 'running', session: keyOf(session) })
    expect(one.runsForMs).toBeGreaterThan(0)
  }
  const ended = calls.find((call) => call.request === 1)?.key ?? ''
  const { stdout } = await fleet.run('calls', '--end', ended)
  expect(stdout).toBe('The call has ended, and its client gets an error.\n')
  expect((await first.rest()).at(-1)).toMatchObject({ id: 1, error: { message: 'An operator has ended this call.' } })
  const left = (await sessionsListed()).find(({ key }) => key === keyOf(session))?.calls
  expect(left).toMatchObject([{ request: 2 }])
  expect((await fleet.run('calls', '--end', ended)).stderr).toMatch(/^There is no call with this key\. [^\n]+\n$/)
  second.drop()
  await fleet.run('sessions', '--end', keyOf(session))
})

test('a call whose instance was killed is listed without what it is, and its client finds an error after --end', async () => {
  const session = await initialize(at(0))
  const doomed = await fleet.start()
  const reader = await gatedCall(doomed.url, session)
  const position = reader.lastId
  await end(doomed, 'SIGKILL')
  reader.drop()
  const [call] = (await fleet.json('calls', '--session', keyOf(session))).calls as (CallView & { method: null })[]
  expect(call?.method).toBeNull()
  const { how } = await fleet.json('calls', '--end', call?.key ?? '')
  expect(how).toBe('orphan')
  const messages = await (await getStream(at(1), session, position)).rest()
  expect(messages.at(-1)).toMatchObject({ id: 1, error: { code: -32603 } })
})

/** An instance of another server, on a Redis of its own. */
async function other(module: string, more: Record<string, string> = {}) {
  const own = await startRedis()
  const deployment = new Deployment(own.url, more)
  others.push(async () => {
    await deployment.stop()
    await own.stop()
  })
  return { deployment, ...(await deployment.start({}, module)) }
}
const others: (() => Promise<void>)[] = []
afterAll(() => Promise.all(others.map((stop) => stop())))

test('a call that is suspended is listed as such, and --end ends it, though nobody runs it', async () => {
  const { deployment, url } = await other('durable', { SUSPEND_AFTER_SECONDS: '0.2', GET_POLICY: 'off' })
  const session = await initialize(url)
  const params = { name: 'transfer', arguments: { call: 'suspended' } }
  const reader = await postStream(url, request(1, 'tools/call', params), { session })
  await reader.until(({ method }) => method === 'elicitation/create')
  const position = reader.lastId
  // Its stream closes, and the client comes back later.
  await reader.rest()
  const [one] = (await deployment.json('calls', '--session', keyOf(session))).calls as CallView[]
  expect(one).toMatchObject({ state: 'suspended', request: 1 })
  expect((await deployment.run('calls', '--session', keyOf(session))).stdout).toContain('suspended')
  const { stdout } = await deployment.run('calls', '--end', one?.key ?? '')
  expect(stdout).toBe('Nobody ran the call. It has ended, and its client gets an error when it comes back.\n')
  const messages = await (await getStream(url, session, position)).rest()
  expect(messages.at(-1)).toMatchObject({ id: 1, error: { message: 'An operator has ended this call.' } })
})

test('tasks says which there are, and --cancel ends one as its client would', async () => {
  const { deployment, url } = await other('session-tasks')
  const session = await initialize(url)
  const params = { name: 'optional', arguments: { gate: 'never' }, task: {} }
  const { taskId } = (await call(url, session, request(1, 'tools/call', params))).result.task
  const [one] = (await deployment.json('tasks', '--session', keyOf(session))).tasks as Record<string, unknown>[]
  expect(one).toMatchObject({
    ...{ status: 'working', tool: 'optional', revision: '2025-11-25', session: keyOf(session), leg: 1, asks: 0 },
    instance: expect.any(String),
  })
  const key = String(one?.key)
  const listed = (await deployment.run('tasks')).stdout
  expect(listed).toMatch(/^TASK +TOOL +STATUS +AGE +LEG +ASKS +INSTANCE +ENDS IN\n/)
  expect(listed).toContain(key)
  expect((await deployment.run('tasks', '--task', key)).stdout).toMatch(/^status +working$/m)
  expect((await deployment.run('tasks', '--cancel', key)).stdout).toBe('The task is cancelled.\n')
  expect((await call(url, session, request(2, 'tasks/get', { taskId }))).result.status).toBe('cancelled')
  expect((await deployment.run('tasks', '--cancel', key)).stderr).toBe('The task has ended before.\n')
})

test('an instance of a build that does not answer operators leaves the call listed without what it is', async () => {
  const found = await inspectCalls(store, ['nobody~:run', ''], systemClock)
  expect(found.size).toBe(0)
})

test('bad input and no Redis are one line', async () => {
  const lines = [
    [['sessions', '--limit', '0'], /^--limit must be a whole number from 1 to 999999, not "0"\.\n$/],
    [['sessions', '--cursor', 'x'], /^--cursor is none of this Redis, [^\n]+\n$/],
    [['sessions', '--session', '-AAAAAAAAAAAAAAAAAAAA-'], /^There is no session with this key\. [^\n]+\n$/],
    [['sessions', '--end', '-AAAAAAAAAAAAAAAAAAAA-'], /^There is no session with this key\. [^\n]+\n$/],
    [['calls', '--session', '-AAAAAAAAAAAAAAAAAAAA-'], /^There is no session with this key\.\n$/],
    [['tasks', '--session', 'x'], /^There is no session with this key\.\n$/],
    [['tasks', '--task', 'x'], /^There is no task with this key\. [^\n]+\n$/],
    [['tasks', '--cancel', 'x'], /^There is no task with this key\. [^\n]+\n$/],
    [['calls', '--end', '-AAAAAAAAAAAAAAAAAAAA-.AAAAAAAAAAAA'], /^There is no call with this key\. [^\n]+\n$/],
    [['sessions', '--end', '--json'], /^Option '--end' [^\n]+ Usage: mcp-anywhere sessions /],
    [['sessions', '--token', 'secret'], /^--token: AUTH_ISSUER is not set: [^\n]+\n$/],
  ] as const
  for (const [args, line] of lines) {
    const { code, stdout, stderr } = await fleet.run(...args)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(line)
  }
  for (const command of ['instances', 'sessions', 'calls', 'tasks']) {
    const { code, stderr } = await runHere(command, [], [])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^REDIS_URL is not set: sessions are in the memory of each process [^\n]+\n$/)
  }
  const away = await fleet.project.run('sessions', { REDIS_URL: 'redis://127.0.0.1:9' })
  expect(away.code).toBe(1)
  expect(away.stderr).toMatch(/^Redis does not answer: [^\n]+\n$/)
})

test('/readyz says more to the machine itself, at the port of metrics and with its token; to others one word', async () => {
  const metricsPort = await freePort()
  const token = 'a token of sixteen characters or more'.replaceAll(' ', '-')
  const { url } = await fleet.start({ METRICS_PORT: String(metricsPort), METRICS_TOKEN: token })
  const get = async (address: URL | string, headers: Record<string, string> = {}) => {
    const response = await fetch(address, { headers })
    return { status: response.status, body: await response.text() }
  }
  const bearer = { authorization: `Bearer ${token}` }
  const details = new URL('/readyz?details', url)
  const full = { state: 'ok', server: { name: 'everything' }, store: { name: 'redis', mode: 'standalone' } }
  expect(await get(new URL('/readyz', url))).toEqual({ status: 200, body: 'ok' })
  expect(JSON.parse((await get(details)).body)).toMatchObject(full)
  expect(await get(details, { 'x-forwarded-for': '1.2.3.4' })).toEqual({ status: 200, body: 'ok' })
  expect(JSON.parse((await get(details, { 'x-forwarded-for': '1.2.3.4', ...bearer })).body)).toMatchObject(full)
  const atMetrics = `http://127.0.0.1:${metricsPort}/readyz`
  expect(await get(atMetrics)).toEqual({ status: 200, body: 'ok' })
  expect(await get(`${atMetrics}?details`)).toEqual({ status: 200, body: 'ok' })
  expect(JSON.parse((await get(`${atMetrics}?details`, bearer)).body)).toMatchObject(full)
  const lasting = await eventually(async () => {
    await redis.kill()
    const { body } = await get(details)
    const { lastTrouble } = JSON.parse(body) as { lastTrouble?: { cause: string } }
    return lastTrouble && JSON.parse((await get(details)).body)
  })
  expect(lasting).toMatchObject({ state: 'degraded', lastTrouble: { trouble: 'away', at: expect.any(String) } })
  expect(lasting.lastTrouble.cause).toMatch(/^Redis does not answer/)
  await redis.restart()
  const back = await eventually(async () => {
    const read = JSON.parse((await get(details)).body) as { state: string; lastTrouble: { until?: string } }
    return read.state === 'ok' && read.lastTrouble.until !== undefined ? read : undefined
  })
  expect(back).toMatchObject({ lastTrouble: { trouble: 'away', until: expect.any(String) } })
})
