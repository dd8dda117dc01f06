/** DELETE of a session whose suspended call outlives the list of its logs: nothing of the call is left. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { ask, suspended } from './contract/scenario.ts'
import { append, call, MINUTE, newKey } from './contract/support.ts'

const redis = redisOfFile()
let store: Store
beforeAll(() => {
  store = redisStore({ url: redis.server.url, lifetimes: { open: 500, ended: 100 } })
})
afterAll(() => store.close())

test('the log and the journal go with the session', async () => {
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  await suspended({ store, key }, ask('q1', MINUTE))
  // Each further call lets the list live as long as the logs of calls that run.
  await store.append(key, append(1, ['b'], { stream: 'T', register: { ...call, id: 'n:2', stream: 'T' }, final: true }))
  const left = async () => (await redis.admin.keys(`mcp:{${key}}:*`)).map((name) => name.split('}:')[1] ?? '')
  await eventually(async () => ((await left()).includes('logs') ? undefined : true))
  expect(await left()).toContain('log:S')
  expect(await store.deleteSession(key)).toMatchObject({ status: 'ok' })
  expect((await left()).filter((name) => /^(log|jrn):/.test(name))).toEqual([])
})
