/** On Lambda the entry of an author may have a client of Redis of its own. */
import { Redis } from 'ioredis'
import { afterEach, expect, test, vi } from 'vitest'
import { serveBuffered } from '../../lib/platform/lambda/serve-buffered.ts'
import { server } from '../fixtures/small.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'
import { startRedis } from '../support/redis.ts'

afterEach(() => vi.unstubAllEnvs())

test('sessions are kept through the client of the entry', async () => {
  vi.stubEnv('LOG', '0')
  vi.stubEnv('MCP_SECRET', Buffer.alloc(32, 1).toString('base64'))
  const store = await startRedis()
  const redis = new Redis(store.port)
  const handler = await serveBuffered(server, { redis })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  const event = {
    version: '2.0',
    rawPath: '/mcp',
    rawQueryString: '',
    headers: { host: 'a.example', 'content-type': 'application/json', accept: ACCEPT_BOTH },
    requestContext: { http: { method: 'POST', path: '/mcp', sourceIp: '203.0.113.1' } },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
    isBase64Encoded: false,
  }
  const answer = await handler(event, { awsRequestId: '1', getRemainingTimeInMillis: () => 10_000 })
  expect(answer).toMatchObject({ statusCode: 200 })
  expect(await redis.keys('mcp:{*}')).toHaveLength(1)
  redis.disconnect()
  await store.stop()
})
