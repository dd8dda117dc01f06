/** A rolling deployment: instances of an older and a newer build serve the same session. */

import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { call, getStream, initialize, post, postStream, request, toolCall } from '../support/raw.ts'
import { fromSeconds } from '../support/spread.ts'

let fleet: Fleet
let redis: Redis

beforeAll(async () => {
  fleet = await startFleet({}, { plain: true })
  redis = new Redis(fleet.redis.url)
})
afterAll(async () => {
  await redis.quit()
  await fleet.stop()
})

/** Rewrites the record of the newest session as another build would have written it. */
async function rewrite(change: (record: Record<string, unknown>) => void): Promise<void> {
  for (const key of await redis.keys('mcp:{*}')) {
    const text = await redis.hget(key, 'rec')
    if (text === null) continue
    const record = JSON.parse(text) as Record<string, unknown>
    change(record)
    await redis.hset(key, 'rec', JSON.stringify(record))
  }
}

test('a record of a newer, compatible format is served for a whole session', async () => {
  const session = await initialize(fleet.at(0))
  await rewrite((record) => Object.assign(record, { v: 2, min: 1, added: { by: 'a newer build' } }))
  expect((await call(fleet.at(1), session, toolCall(1, 'count_session'))).result.content[0].text).toBe('1')
  expect((await call(fleet.at(2), session, toolCall(2, 'count_session'))).result.content[0].text).toBe('2')
  const get = await getStream(fleet.at(0), session)
  const stream = await postStream(fleet.at(1), toolCall(3, 'ask'), { session })
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  const answer = { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }
  expect((await post(fleet.at(2), answer, { session })).status).toBe(202)
  expect((await stream.rest()).at(-1)?.id).toBe(3)
  get.drop()
  await rewrite((record) => {
    delete record.min
    record.v = 1
  })
  expect((await call(fleet.at(1), session, request(4, 'ping'))).result).toEqual({})
})

test('a record that this build cannot read is 503, and other instances can still serve the session', async () => {
  const session = await initialize(fleet.at(0))
  await rewrite((record) => Object.assign(record, { v: 9 }))
  const response = await post(fleet.at(1), request(1, 'ping'), { session })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, fromSeconds(1)])
  expect(((await response.json()) as { error: { code: number } }).error.code).toBe(-32603)
  await rewrite((record) => Object.assign(record, { v: 1 }))
  expect((await call(fleet.at(1), session, request(2, 'ping'))).result).toEqual({})
})

test('mail of an unknown kind is ignored', async () => {
  const session = await initialize(fleet.at(0))
  const get = await getStream(fleet.at(0), session)
  const { id } = (await fleet.instances[0]?.stats()) ?? { id: '' }
  for (const mail of ['not json', '{"t":"news","to":"x:y"}', '{}', '[]']) {
    const [field] = ['m']
    await redis.xadd(`mcp:{bus}:box:${id}`, '*', field, mail)
  }
  await fleet.instances[1]?.announce('tools')
  await get.until(({ method }) => method === 'notifications/tools/list_changed')
  expect(fleet.instances[0]?.errors).toEqual([])
  get.drop()
})
