/** Redis, or every process, stands still for longer than a lease while calls run: their instances live, and so do they. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { type EventReader, getStream, initialize, postStream, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const LEASE = 2_000
const STEPS = 300
let redis: RedisServer
let fleet: Fleet

beforeAll(async () => {
  redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  fleet = await startFleet({ session: { lease: LEASE, heartbeat: 500 } }, { redis })
})
afterAll(async () => {
  await fleet.stop()
  await redis.stop()
})

interface Running {
  pid: number | undefined
  before: EventReader
  after: EventReader
}

/** On each instance a call that may run again and one that may not. Another instance holds the stream, and watches them. */
async function start(): Promise<Running[]> {
  const session = await initialize(fleet.url)
  const running = [0, 1, 2].flatMap((at) =>
    ['progress', 'rerunnable'].map(async (tool) => {
      const message = toolCall(`${tool} ${at}`, tool, { n: STEPS, delayMs: 20 }, { progressToken: `${tool} ${at}` })
      const before = await postStream(fleet.at(at), message, { session })
      await before.until(({ params }) => params?.progress === 3)
      before.drop()
      const after = await getStream(fleet.at((at + 1) % 3), session, before.lastId)
      await after.until(({ params }) => params?.progress > 3)
      return { pid: fleet.instances[at]?.child.pid, before, after }
    }),
  )
  return Promise.all(running)
}

/** Each call has the result of its first run, and its client got everything once and in order. */
async function expectWhole(running: Running[]): Promise<void> {
  for (const { pid, before, after } of running) {
    await after.rest()
    const messages = [...before.events, ...after.events].flatMap(({ message }) => message ?? [])
    const progress = messages.flatMap(({ params }) => params?.progress ?? [])
    expect(progress).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1))
    expect(messages.filter(({ id }) => id !== undefined)).toMatchObject([
      { result: { content: [{ text: `done ${STEPS} by ${pid}` }] } },
    ])
  }
}

test('Redis stands still for longer than a lease: no call is lost and none is run again', async () => {
  const running = await start()
  redis.pause()
  await sleep(1.5 * LEASE)
  redis.resume()
  await expectWhole(running)
}, 60_000)

test('Redis stands still for a part of a lease, in which signs of life expire: no call is lost and none is run again', async () => {
  const running = await start()
  redis.pause()
  await sleep(0.7 * LEASE)
  redis.resume()
  await expectWhole(running)
}, 60_000)

test('Redis is killed and comes back later than a lease: no call is lost and none is run again', async () => {
  const running = await start()
  await redis.kill()
  await sleep(1.5 * LEASE)
  await redis.restart()
  await expectWhole(running)
}, 60_000)

test('every instance stands still for longer than a lease, and one goes on first: no call is lost and none is run again', async () => {
  const running = await start()
  for (const instance of fleet.instances) instance.signal('SIGSTOP')
  await sleep(1.2 * LEASE)
  const [first, ...others] = fleet.instances
  first?.signal('SIGCONT')
  // Long enough to look for signs of life, which are all missing.
  await sleep(LEASE / 2)
  for (const instance of others) instance.signal('SIGCONT')
  await expectWhole(running)
}, 60_000)
