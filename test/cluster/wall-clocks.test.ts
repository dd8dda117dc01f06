/** Instances whose wall clocks are wrong, and are set while calls run. Their monotonic clocks and Redis are right. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { answerOf, call, getStream, initialize, post, postStream, request, toolCall } from '../support/raw.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Requests of one address: it is known, as it has an X-Forwarded-For. */
const RATE = { addressRate: { perSecond: 1_000, burst: 1_000 }, proxies: 1 }

let fleet: Fleet
let redis: Redis

beforeAll(async () => {
  fleet = await startFleet({ session: { lease: 1_500, heartbeat: 1_000 }, http: RATE }, { plain: true })
  redis = new Redis(fleet.redis.url)
})
afterAll(async () => {
  await redis.quit()
  await fleet.stop()
})
beforeEach(() => setWalls(0, 0, 0))

async function setWalls(...ms: number[]): Promise<void> {
  await Promise.all(fleet.instances.map((instance, i) => instance.setWall(ms[i] ?? 0)))
}

const textOf = (message: { result?: { content: { text: string }[] } } | undefined) => message?.result?.content[0]?.text

test.each([
  ['an hour behind and 31 days ahead', [-HOUR, 31 * DAY, 0]],
  ['31 days behind and an hour ahead', [0, -31 * DAY, HOUR]],
  ['a year apart', [-180 * DAY, 0, 180 * DAY]],
])('sessions of every revision go on through instances that are %s', async (_name, walls) => {
  await setWalls(...walls)
  for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    for (const from of [0, 1, 2]) {
      const session = await initialize(fleet.at(from), revision)
      for (let i = 0; i < 6; i++) {
        const counted = await call(fleet.at(i % 3), session, toolCall(i, 'count_session'))
        expect(textOf(counted), `${revision}, opened at ${from}, at ${i % 3}`).toBe(String(i + 1))
      }
      // Earlier revisions have no elicitation.
      if (revision < '2025-06-18') continue
      const stream = await postStream(fleet.at(from), toolCall('asks', 'ask'), { session })
      const { message } = await stream.until(({ method }) => method === 'elicitation/create')
      const answer = { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }
      expect((await post(fleet.at((from + 1) % 3), answer, { session })).status).toBe(202)
      expect((await stream.rest()).at(-1)?.id).toBe('asks')
    }
  }
})

test('an instance 31 days ahead deletes no session, and slides its lifetime as another does', async () => {
  await setWalls(0, 31 * DAY, -31 * DAY)
  const session = await initialize(fleet.at(0))
  const key = `mcp:{${sessionKey('', session.id)}}`
  for (const at of [1, 2, 0, 1]) expect((await call(fleet.at(at), session, request(at, 'ping'))).result).toEqual({})
  await eventually(async () => {
    const left = await redis.pttl(key)
    return (left > 23 * HOUR && left < 25 * HOUR) || undefined
  })
})

test('instances that disagree about the time do not slide a session with every request', async () => {
  await setWalls(-HOUR, 31 * DAY, 0)
  const session = await initialize(fleet.at(0))
  // Each instance asks Redis for its time once.
  for (const at of [0, 1, 2]) await call(fleet.at(at), session, request(at, 'ping'))
  const slides = async () => {
    const stats = await redis.info('commandstats')
    return Number(/cmdstat_pexpire:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  const before = await eventually(async () => {
    const seen = await slides()
    await call(fleet.at(0), session, request('again', 'ping'))
    return (await slides()) === seen ? seen : undefined
  })
  for (let i = 0; i < 60; i++) {
    expect((await call(fleet.at(i % 3), session, request(`n${i}`, 'ping'))).result).toEqual({})
  }
  // Nothing else runs here that would set a lifetime, but one request a minute may.
  expect((await slides()) - before).toBeLessThan(10)
})

test.each([-HOUR, HOUR, -31 * DAY, 31 * DAY])(
  'a wall clock that is set by %d ms refuses no known address',
  async (ms) => {
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    const session = await initialize(fleet.at(0), '2025-11-25', {}, headers)
    const ping = async (at: number) => (await post(fleet.at(at), request(1, 'ping'), { session, headers })).status
    for (let i = 0; i < 30; i++) expect(await ping(i % 3)).toBe(200)
    await setWalls(ms, -ms, ms)
    for (let i = 0; i < 30; i++) expect(await ping(i % 3)).toBe(200)
    await setWalls(0, 0, 0)
    for (let i = 0; i < 30; i++) expect(await ping(i % 3)).toBe(200)
  },
)

test('a wall clock that jumps while calls and streams are open loses no message and no call', async () => {
  const session = await initialize(fleet.at(0))
  const get = await getStream(fleet.at(1), session)
  const calls = await Promise.all(
    [0, 1, 2].map((at) =>
      postStream(fleet.at(at), toolCall(at, 'progress', { n: 20, delayMs: 50 }, { progressToken: at }), { session }),
    ),
  )
  const ended = Promise.all(calls.map((stream) => stream.rest()))
  let over = false
  void ended.then(() => {
    over = true
  })
  for (let i = 0; !over; i++) {
    const [a = 0, b = 0] =
      [
        [31 * DAY, -HOUR],
        [-31 * DAY, HOUR],
        [-HOUR, 31 * DAY],
      ][i % 3] ?? []
    await setWalls(a, b, -a)
    expect((await call(fleet.at(i % 3), session, request(`p${i}`, 'ping'))).result).toEqual({})
  }
  for (const messages of await ended) {
    const progress = messages.flatMap(({ params }) => params?.progress ?? [])
    expect(progress).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(textOf(messages.at(-1) as never)).toMatch(/^done 20/)
  }
  await fleet.instances[2]?.announce('tools')
  expect((await get.message())?.method).toBe('notifications/tools/list_changed')
  get.drop()
})

test('an instance is not taken for dead because clocks differ', async () => {
  await setWalls(31 * DAY, -31 * DAY, HOUR)
  const session = await initialize(fleet.at(0))
  const stream = await postStream(fleet.at(0), toolCall('gated', 'gated', { gate: 'clocks' }, { progressToken: 'p' }), {
    session,
  })
  await stream.until(({ method }) => method === 'notifications/progress')
  const id = stream.lastId ?? ''
  // The stream moves to another instance, which watches the owner for longer than a lease.
  const watcher = await getStream(fleet.at(1), session, id)
  const looks = async () => Number(/cmdstat_exists:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  const before = await looks()
  // Six looks in a lease, and the claim reads the call: it would be here by then.
  await eventually(async () => (await looks()) > before + 40 || undefined)
  expect((await fleet.instances[0]?.stats())?.calls).toBe(1)
  await answerOf(
    await post(fleet.at(2), toolCall('open', 'user_set', { name: 'gate:clocks', value: 'open' }), { session }),
  )
  expect(textOf((await watcher.rest()).at(-1) as never)).toMatch(/^through clocks/)
})
