/** Redis goes away and comes back: what listeners hear of it. */
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { moveOn } from '../../lib/base/clock.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { Outage } from '../../lib/store/redis/outage.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { type Recorded, record } from '../events/record.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'

let recorded: Recorded
let store: Store | undefined

beforeEach(() => {
  recorded = record(['store', 'command'])
})
afterEach(async () => {
  recorded.stop()
  await store?.close()
  store = undefined
})

test('a Redis that is stopped and started again is lost once with its cause, and back once', async () => {
  const redis = await startRedis()
  try {
    const errors: unknown[] = []
    store = redisStore({ url: redis.url, commandTimeout: 300, onError: (error) => errors.push(error) })
    await store.ping()
    expect(recorded.of('store')).toEqual([])
    expect(recorded.of('command')).toMatchObject([{ store: 'redis', command: 'set' }])
    await redis.kill()
    for (let i = 0; i < 5; i++) await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    expect(recorded.of('store')).toMatchObject([{ store: 'redis', state: 'lost', trouble: 'away', awayMs: 0 }])
    expect(recorded.of('store')[0]?.cause.message).toMatch(/ECONN|closed|answer/)
    expect(recorded.of('command').at(-1)).toMatchObject({ command: 'set', error: expect.any(StoreUnavailable) })
    await redis.restart()
    await eventually(async () =>
      store?.ping().then(
        () => true,
        () => undefined,
      ),
    )
    const [lost, back, ...more] = recorded.of('store')
    expect(more).toEqual([])
    expect(back).toMatchObject({ state: 'back', trouble: 'away', cause: lost?.cause })
    expect(back?.awayMs).toBeGreaterThan(100)
    expect(errors).toHaveLength(1)
  } finally {
    await redis.stop()
  }
})

test('a Redis that is full is not back because a command without memory succeeds', () => {
  const errors: unknown[] = []
  const outage = new Outage((error) => errors.push(error))
  for (let i = 0; i < 10; i++) {
    outage.failed(new StoreUnavailable('Redis refuses: OOM', { trouble: 'full' }))
    outage.succeeded()
  }
  expect(recorded.of('store')).toMatchObject([{ state: 'lost', trouble: 'full' }])
  expect(errors).toHaveLength(1)
})

test.each(['full', 'loading', 'denied'] as const)(
  'a Redis that was %s and is away then is lost for that reason too',
  (trouble) => {
    const outage = new Outage(() => {})
    outage.failed(new StoreUnavailable('Redis refuses.', { trouble }))
    outage.failed(new StoreUnavailable('Redis does not answer.'))
    outage.failed(new StoreUnavailable('Redis does not answer.'))
    // What fails in both ways at once is reported once in each way.
    outage.failed(new StoreUnavailable('Redis refuses.', { trouble }))
    expect(recorded.of('store')).toMatchObject([
      { state: 'lost', trouble },
      { state: 'lost', trouble: 'away' },
    ])
    outage.succeeded()
    expect(recorded.of('store').at(-1)).toMatchObject({ state: 'back', trouble: 'away' })
  },
)

test('a user that may not ask how full Redis is loses nothing, and Redis is asked once', async () => {
  const redis = await startRedis()
  const admin = new Redis(redis.url)
  try {
    await admin.acl('SETUSER', 'app', 'on', '>pass', '~*', '&*', '+@all', '-info')
    const errors: unknown[] = []
    const url = `redis://app:pass@${redis.host}:${redis.port}`
    store = redisStore({ url, commandTimeout: 300, onError: (error) => errors.push(error) })
    await store.ping()
    const refused = async () =>
      Number(/cmdstat_info:.*rejected_calls=(\d+)/.exec(await admin.info('commandstats'))?.[1])
    const before = await refused()
    expect(store.nearlyFull()).toBe(false)
    await eventually(async () => ((await refused()) > before ? true : undefined))
    await store.ping()
    // Past the time of the next look.
    moveOn(60_000)
    expect(store.nearlyFull()).toBe(false)
    await store.ping()
    expect(await refused()).toBe(before + 1)
    expect(recorded.of('store')).toEqual([])
    await redis.kill()
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    expect(recorded.of('store')).toMatchObject([{ state: 'lost', trouble: 'away' }])
    expect(errors).toHaveLength(1)
  } finally {
    admin.disconnect()
    await redis.stop()
  }
})
