/** Sessions while Redis is full: what frees memory is done, and what cannot be done is refused with the reason. */

import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import {
  answerOf,
  getStream,
  initialize,
  post,
  postStream,
  type RawSession,
  request,
  toolCall,
} from '../support/raw.ts'
import { fromSeconds } from '../support/spread.ts'

let fleet: Fleet
let admin: Redis

beforeAll(async () => {
  fleet = await startFleet({ session: { lease: 2_000, heartbeat: 500, registerAfter: 5 } })
  admin = new Redis(fleet.redis.url)
})
afterAll(async () => {
  admin.disconnect()
  await fleet.stop()
})
afterEach(async () => {
  await admin.config('SET', 'maxmemory', '0')
  // An instance looks every few seconds how full Redis is, and takes no session until it has seen that there is room.
  for (const url of [0, 1, 2].map((at) => fleet.at(at))) {
    const opened = await eventually(() => initialize(url).catch(() => undefined))
    await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': opened.id } })
  }
})

/** From now on Redis refuses every command that could need memory. */
const fill = () => admin.config('SET', 'maxmemory', '1')

const meta = { progressToken: 'p' }

async function end(session: RawSession, at: number): Promise<number> {
  const response = await fetch(fleet.at(at), { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
  await response.text()
  return response.status
}

/** What is left of sessions but the holders and owners that a repeated DELETE notifies. */
async function keysLeft(): Promise<string[]> {
  const ours = (await admin.keys('mcp:{*')).filter((key) => !/^mcp:\{bus\}|:over:/.test(key))
  const lives = await Promise.all(ours.map((key) => admin.pttl(key)))
  return ours.filter((key, i) => !key.endsWith(':live') || Number(lives[i]) > 60_000)
}

test('DELETE ends a session with held streams and running calls, and frees what it had', async () => {
  const session = await initialize(fleet.at(0))
  const get = await getStream(fleet.at(0), session)
  const stream = await postStream(fleet.at(1), toolCall(1, 'progress', { n: 100_000, delayMs: 20 }, meta), { session })
  await stream.until(({ params }) => params?.progress === 2)
  await fill()
  expect(await end(session, 2)).toBe(204)
  // Mail is refused: heartbeats find that the session has ended.
  await get.rest()
  await stream.rest()
  expect((await post(fleet.at(1), request(2, 'ping'), { session })).status).toBe(404)
  await admin.config('SET', 'maxmemory', '0')
  await eventually(async () => ((await keysLeft()).length === 0 ? true : undefined))
})

test('DELETE ends a session that has only its own stream', async () => {
  const session = await initialize(fleet.at(0))
  const get = await getStream(fleet.at(1), session)
  await fill()
  expect(await end(session, 0)).toBe(204)
  await get.rest()
})

test('a call whose messages the log cannot take ends with an error that says why, on its stream and where it is resumed', async () => {
  const session = await initialize(fleet.at(0))
  const running = toolCall('full', 'progress', { n: 100_000, delayMs: 20 }, meta)
  const stream = await postStream(fleet.at(0), running, { session })
  const { id: seen = '' } = await stream.until(({ params }) => params?.progress === 2)
  await fill()
  // The patience with a store that is away is a minute, which is longer than this test may take.
  const last = (await stream.rest()).at(-1)
  expect(last).toMatchObject({
    id: 'full',
    error: { code: -32603, message: 'The store is full; the call was given up.' },
  })
  const again = await getStream(fleet.at(1), session, seen)
  expect((await again.rest()).at(-1)).toMatchObject({ id: 'full', error: { message: expect.stringContaining('full') } })
  // Nothing follows for a client that has the error.
  await expect(getStream(fleet.at(1), session, stream.lastId)).rejects.toThrow('405')
  expect(await end(session, 0)).toBe(204)
  await eventually(async () => ((await keysLeft()).length === 0 ? true : undefined))
})

test('a call that has sent something ends with its response, where that is short', async () => {
  const session = await initialize(fleet.at(0))
  const stream = await postStream(fleet.at(0), toolCall('c', 'close_stream', { ms: 300 }, meta), { session })
  await stream.rest()
  await fill()
  // Its last progress is not taken: only what frees the call is.
  const again = await getStream(fleet.at(1), session, stream.lastId)
  expect((await again.rest()).at(-1)).toMatchObject({ id: 'c', error: { message: expect.stringContaining('is full') } })
  await admin.config('SET', 'maxmemory', '0')
  const other = await postStream(fleet.at(0), toolCall('l', 'ask', {}), { session })
  const { message } = await other.until(({ method }) => method === 'elicitation/create')
  await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }, { session })
  await fill()
  expect((await other.rest()).at(-1)).toMatchObject({ id: 'l', result: {} })
})

test('a cancel ends a call that streams', async () => {
  const session = await initialize(fleet.at(0))
  const stream = await postStream(fleet.at(0), toolCall('g', 'gated', { gate: 'full' }, meta), { session })
  await stream.until(({ params }) => params?.progress === 1)
  await fill()
  const cancelled = await post(
    fleet.at(2),
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'g' } },
    { session },
  )
  expect(cancelled.status).toBe(202)
  expect(await stream.rest()).toEqual([])
})

test('a call without messages is answered, also where it could not be registered', async () => {
  const session = await initialize(fleet.at(0))
  await fill()
  expect(
    (await answerOf(await post(fleet.at(0), toolCall(1, 'echo', { message: 'x' }), { session }))).result,
  ).toBeDefined()
  const slow = toolCall(2, 'slow', { ms: 100 })
  expect((await answerOf(await post(fleet.at(1), slow, { session, accept: 'application/json' }))).result).toBeDefined()
})

test('a new session is refused with 503, the reason and a later Retry-After', async () => {
  await fill()
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  const response = await post(fleet.at(0), request(0, 'initialize', params))
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, fromSeconds(10)])
  // Refused by Redis, or by the instance, which may have seen before how full Redis is.
  expect((await answerOf(response)).error?.message).toMatch(/^The session store is (nearly )?full[:;] /)
})

test('the calls of a living instance are not taken over, since its signs of life are written', async () => {
  const session = await initialize(fleet.at(0))
  const quiet = post(fleet.at(0), toolCall('q', 'slow', { ms: 3_000 }), { session, accept: 'application/json' })
  await eventually(async () => ((await admin.keys('mcp:up:*')).length > 0 ? true : undefined))
  await fill()
  const { id } = (await fleet.instances[0]?.stats()) ?? {}
  // The sign lives for less than this test does.
  expect((await answerOf(await quiet)).result).toBeDefined()
  expect(await admin.exists(`mcp:up:${id}`)).toBe(1)
}, 30_000)
