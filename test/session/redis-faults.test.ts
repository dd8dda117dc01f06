/** Sessions while Redis is paused, killed and restarted, with its data and without. */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { answerOf, call, initialize, post, type RawSession, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { fromSeconds } from '../support/spread.ts'

let redis: RedisServer
let fleet: Fleet

beforeAll(async () => {
  redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  fleet = await startFleet({}, { redis })
})
afterAll(async () => {
  await fleet.stop()
  await redis.stop()
})

/** Sends requests of all sessions to all instances until `stop`, and counts the responses by status. */
function sendRequests(sessions: RawSession[]) {
  const statuses = new Map<number, number>()
  const wrong: string[] = []
  let over = false
  const lanes = sessions.map(async (session, lane) => {
    for (let i = 0; !over; i++) {
      const message = i % 5 === 0 ? toolCall(i, 'count_session') : toolCall(i, 'echo', { message: 'x' })
      const response = await post(fleet.url, message, { session }).catch((error: Error) => error)
      if (response instanceof Error) {
        wrong.push(response.message)
        continue
      }
      const answer = await answerOf(response)
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      if (response.status === 503) {
        if (!/^[12]$/.test(response.headers.get('retry-after') ?? '') || answer.error === undefined)
          wrong.push(JSON.stringify(answer))
        await sleep(20)
      } else if (response.status !== 200) wrong.push(`${response.status} in lane ${lane}: ${JSON.stringify(answer)}`)
    }
  })
  return {
    statuses,
    wrong,
    /** Resolves when `n` more responses have this status. */
    async until(status: number, n = 20) {
      const before = statuses.get(status) ?? 0
      await eventually(async () => ((statuses.get(status) ?? 0) >= before + n ? true : undefined), 25_000)
    },
    async stop() {
      over = true
      await Promise.all(lanes)
    },
  }
}

async function allServed(sessions: RawSession[]): Promise<void> {
  for (const session of sessions) {
    for (const at of [0, 1, 2]) {
      const { result } = await eventually(async () => {
        const answer = await call(fleet.at(at), session, toolCall('after', 'count_session'))
        return answer.result ? answer : undefined
      })
      expect(Number(result.content[0].text)).toBeGreaterThan(0)
    }
  }
}

test('a paused Redis makes every request of a session 503, and no session is lost', async () => {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => initialize(fleet.url)))
  const running = sendRequests(sessions)
  await running.until(200)
  redis.pause()
  await running.until(503)
  redis.resume()
  await running.until(200)
  await running.stop()
  expect(running.wrong).toEqual([])
  expect([...running.statuses.keys()].sort()).toEqual([200, 503])
  await allServed(sessions)
}, 60_000)

test('a Redis that is killed and restarted from its append-only file loses no session', async () => {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => initialize(fleet.url)))
  const running = sendRequests(sessions)
  await running.until(200)
  await redis.kill()
  await running.until(503)
  await redis.restart()
  await running.until(200)
  await running.stop()
  expect(running.wrong.filter((line) => !line.includes('"code":-32603'))).toEqual([])
  await allServed(sessions)
}, 60_000)

test('without Redis, /healthz is 200, every method of a session is 503, and no session is opened in memory', async () => {
  const session = await initialize(fleet.url)
  await redis.kill()
  try {
    for (const at of [0, 1, 2]) {
      expect((await fetch(new URL('/healthz', fleet.at(at)))).status).toBe(200)
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
      const opening = await post(fleet.at(at), request(0, 'initialize', params))
      expect([opening.status, opening.headers.get('mcp-session-id')]).toEqual([503, null])
      await opening.text()
      const headers = { 'mcp-session-id': session.id, accept: 'text/event-stream' }
      for (const method of ['GET', 'DELETE']) {
        const response = await fetch(fleet.at(at), { method, headers })
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, fromSeconds(1)])
        await response.text()
      }
      // An answer or a cancel is acknowledged only when it is stored.
      for (const message of [
        { jsonrpc: '2.0', id: 'a', result: {} },
        { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      ]) {
        expect((await post(fleet.at(at), message, { session })).status).toBe(503)
      }
    }
  } finally {
    await redis.restart()
  }
  await allServed([session])
}, 60_000)

test('after Redis has lost its data, an old session is 404 and a new session works', async () => {
  const session = await initialize(fleet.url)
  const { Redis } = await import('ioredis')
  const client = new Redis(redis.url)
  await client.flushall()
  await client.quit()
  await redis.kill()
  await redis.restart()
  for (const at of [0, 1, 2]) {
    const status = await eventually(async () => {
      const response = await post(fleet.at(at), request(1, 'ping'), { session })
      await response.text()
      return response.status === 503 ? undefined : response.status
    })
    expect(status).toBe(404)
  }
  await allServed([await initialize(fleet.url)])
}, 60_000)
