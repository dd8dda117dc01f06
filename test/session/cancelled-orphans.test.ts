/** A call that was cancelled before its last message came: the store forgets its asks and their answers with it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { finishLater } from '../../lib/session/call/end-later.ts'
import { endOrphans } from '../../lib/session/call/orphans.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const MINUTE = 60_000
const ANSWER = 'x'.repeat(100_000)
const DEAD = 'gone~:run'
let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const stores: [string, () => Store][] = [
  ['in memory', memoryStore],
  ['in Redis', () => redisStore(redis.url)],
]

describe.each(stores)('%s', (_, open) => {
  /** A cancelled call of another run, which asked and was answered. What ends it, and what the session keeps then. */
  async function keptAfter(end: (instance: Instance, key: string) => Promise<unknown>): Promise<number> {
    const store = open()
    const options = { ...defaultsOf(SETTINGS.session), lease: 1_000 }
    const instance = new Instance(store, options, systemClock, (error) => {
      throw error
    })
    const key = crypto.randomUUID()
    await store.createSession(key, 'record', MINUTE)
    await store.register(key, { id: 'n:1', stream: 'S', owner: DEAD })
    const ask = { stream: 'S', owner: DEAD, from: 1, messages: ['ask'], tag: 't', final: false, asks: ['q'] }
    await store.append(key, ask)
    expect(await store.answer(key, 'q', ANSWER)).toMatchObject({ status: 'ok' })
    await store.cancel(key, 'n:1')
    await end(instance, key)
    expect(await store.calls(key)).toEqual([])
    expect(await store.closeAsk(key, 'q')).toBeUndefined()
    await store.register(key, { id: 'n:2', stream: 'T', owner: DEAD })
    const last = { stream: 'T', owner: DEAD, from: 1, messages: ['end'], tag: 't', final: true }
    const { held } = await store.append(key, last)
    await instance.stop()
    await store.close()
    return held
  }

  test('whoever ends the call of a dead instance', async () => {
    expect(await keptAfter((instance, key) => endOrphans(instance, key))).toBe('end'.length)
  })

  test('a run whose call fails meanwhile', async () => {
    const last = { stream: 'S', owner: DEAD, text: 'failed', forget: ['q'] }
    expect(await keptAfter((instance, key) => finishLater(instance, key, last))).toBe('end'.length)
  })
})
