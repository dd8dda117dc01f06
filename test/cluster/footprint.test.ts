/** Connections, keys and memory of many sessions, and that nothing of them is left when they have ended. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { EventReader, RawSession } from '../support/raw.ts'
import { call, getStream, initialize, postStream, request, toolCall } from '../support/raw.ts'

const SESSIONS = 2_000
const URI = 'test://watched-resource'

let fleet: Fleet
let redis: Redis

beforeAll(async () => {
  fleet = await startFleet()
  redis = new Redis(fleet.redis.url)
})
afterAll(async () => {
  await redis.quit()
  await fleet.stop()
})

/** The connections of the instances to Redis. */
async function connections(): Promise<string[]> {
  const list = (await redis.client('LIST')) as string
  const own = await redis.client('ID')
  return list
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith(`id=${own} `))
}

test('an instance opens its Redis connections on demand: none, one for commands, one more for a waiting stream', async () => {
  expect(await connections()).toHaveLength(0)
  const session = await initialize(fleet.at(0))
  await call(fleet.at(0), session, toolCall(1, 'echo', { message: 'x' }))
  expect(await connections()).toHaveLength(1)
  const stream = await getStream(fleet.at(0), session)
  expect(await connections()).toHaveLength(2)
  const more = await Promise.all(
    Array.from({ length: 20 }, async () => getStream(fleet.at(0), await initialize(fleet.at(0)))),
  )
  expect(await connections()).toHaveLength(2)
  for (const each of [stream, ...more]) each.drop()
})

test('2,000 sessions with a GET stream each receive an update once, and leave nothing after DELETE', async () => {
  await redis.flushall()
  const open: { session: RawSession; get: EventReader }[] = []
  const lanes = Array.from({ length: 20 }, async (_, lane) => {
    for (let i = 0; i < SESSIONS / 20; i++) {
      const at = (lane + i) % 3
      const session = await initialize(fleet.at(at))
      await call(fleet.at((at + 1) % 3), session, request(1, 'resources/subscribe', { uri: URI }))
      open.push({ session, get: await getStream(fleet.at((at + 2) % 3), session) })
    }
  })
  await Promise.all(lanes)
  await fleet.instances[0]?.announce('updated', URI)
  await Promise.all(open.map(({ get }) => get.until(({ method }) => method === 'notifications/resources/updated')))
  // A repeated update would arrive before this change of another kind.
  await fleet.instances[1]?.announce('tools')
  await Promise.all(open.map(({ get }) => get.until(({ method }) => method === 'notifications/tools/list_changed')))
  expect(open.every(({ get }) => get.events.filter(({ message }) => message).length === 2)).toBe(true)
  expect((await connections()).length).toBeLessThanOrEqual(6)
  for (const key of await redis.keys('*')) {
    // -1: without a lifetime; -2: the key has expired meanwhile.
    expect(await redis.pttl(key), `${key} has no lifetime`).not.toBe(-1)
  }
  const ends = Array.from({ length: 20 }, async (_, lane) => {
    for (let i = lane; i < open.length; i += 20) {
      const { session, get } = open[i] as (typeof open)[number]
      const headers = { 'mcp-session-id': session.id }
      const ended = await fetch(fleet.at(i % 3), { method: 'DELETE', headers })
      await ended.text()
      expect(ended.status).toBe(204)
      await get.rest()
    }
  })
  await Promise.all(ends)
  for (const instance of fleet.instances) {
    await eventually(async () => {
      const { connections, calls, unregistered } = await instance.stats()
      return connections + calls + unregistered === 0 ? true : undefined
    })
  }
  const left = async () =>
    (await redis.keys('*')).filter(
      (key) => !key.startsWith('mcp:{bus}:changes') && !/^mcp:(up:|server$|\{bus\}:box:)/.test(key),
    )
  await eventually(async () => ((await left()).length === 0 ? true : undefined)).catch(async () => {
    expect(await left()).toEqual([])
  })
}, 300_000)

test('calls that streamed leave nothing in the instance', async () => {
  const sessions = await Promise.all(Array.from({ length: 50 }, () => initialize(fleet.url)))
  await Promise.all(
    sessions.map(async (session) => {
      const stream = await postStream(fleet.url, toolCall(1, 'progress', { n: 5 }, { progressToken: 1 }), { session })
      await stream.rest()
    }),
  )
  for (const instance of fleet.instances) {
    await eventually(async () => {
      const { connections, calls, unregistered } = await instance.stats()
      return connections + calls + unregistered === 0 ? true : undefined
    })
  }
})
