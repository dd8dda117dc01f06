/** The time of Redis for one registered call: in a new session, and in one whose calls before were cancelled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { RedisServer } from '../support/redis.ts'

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const LANES = 50

/** us of Redis for each of `calls` calls. `cancelled`: how many calls of the session were cancelled before. */
export async function costAfterCancels(redis: RedisServer, cancelled: number, calls: number) {
  const admin = new Redis(redis.url)
  const server = new McpServer({ name: 'cancelled', version: '1' })
  server.registerTool('wait', {}, async ({ signal }) => {
    await sleep(60, undefined, { signal }).catch(() => {})
    return { content: [] }
  })
  const endpoint = createEndpoint(server, { store: redisStore(redis.url), session: { registerAfter: 5 } })
  const post = (message: object, more: Record<string, string> = {}) =>
    endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: { ...HEADERS, ...more },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      }),
    )
  async function usec(): Promise<number> {
    const info = await admin.info('commandstats')
    return [...info.matchAll(/usec=(\d+)/g)].reduce((sum, [, figure]) => sum + Number(figure), 0)
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'b', version: '1' } }
  const opened = await post({ id: 'i', method: 'initialize', params })
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  let next = 0
  async function run(count: number, cancels: boolean): Promise<void> {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let i = lane; i < count; i += LANES) {
        const id = ++next
        const answer = post({ id, method: 'tools/call', params: { name: 'wait', arguments: {} } }, session)
        if (cancels) {
          await sleep(30)
          await post({ method: 'notifications/cancelled', params: { requestId: id } }, session)
        }
        await (await answer).text()
      }
    })
    await Promise.all(lanes)
    await endpoint.settled()
  }
  await run(LANES, false)
  await run(cancelled, true)
  const before = await usec()
  await run(calls, false)
  const spent = (await usec()) - before
  if (spent === 0) throw new Error('Redis has seen no call.')
  await endpoint.close()
  admin.disconnect()
  return spent / calls
}
