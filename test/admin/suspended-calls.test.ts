/** The end of a call by an operator while nobody runs it, since it waits for its client. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { endCall } from '../../lib/admin/calls.ts'
import { callKey } from '../../lib/admin/sessions.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { randomKey } from '../../lib/base/sealing.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import type { AdminStore, Store } from '../../lib/store/store.ts'
import { ask, pollOf, RUN2, suspended } from '../store/contract/scenario.ts'
import { MINUTE } from '../store/contract/support.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const KEY = 'a session of 22 chars.'.replaceAll(/[ .]/g, '-')

let server: RedisServer
let store: Store
let admin: AdminStore

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  store = sealedStore(redisStore({ url: server.url }), [randomKey()])
  const ofAdmin = await store.admin?.()
  if (!ofAdmin) throw new Error('The store lacks a part.')
  admin = ofAdmin
  await store.createSession(KEY, 'record', MINUTE)
})
afterEach(async () => {
  await store.deleteSession(KEY)
  await store.close()
})

test('ends it in one step: its client gets the error, and no answer wakes it', async () => {
  await suspended({ store, key: KEY }, ask('q1'))
  const [described] = await admin.describe([KEY])
  const [call] = described?.calls ?? []
  if (!call) throw new Error('There is no call.')
  expect(call.suspended).toBe(true)
  expect(await endCall(store, admin, callKey(KEY, call), systemClock)).toBe('orphan')
  const { data, final } = (await store.readLog(KEY, 'S')).at(-1) ?? {}
  expect(final).toBe(true)
  expect(JSON.parse(data ?? '')).toMatchObject({ id: 1, error: { message: 'An operator has ended this call.' } })
  expect(await store.calls(KEY)).toEqual([])
  expect(await store.answer(KEY, 'q1', 'yes', RUN2)).toEqual({ status: 'unknown' })
  expect(await pollOf({ store, key: KEY })).toEqual({ status: 'due' })
  expect(await endCall(store, admin, callKey(KEY, call), systemClock)).toBe('unknown')
})
