/** The id of a URL elicitation that an author chose stays with the caller that was asked under it first. */

import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { EventReader, initialize, post, type RawSession, type RpcMessage, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let endpoint: Endpoint
let close = async () => {}
let url = new URL('http://127.0.0.1')
/** The id that the author chose: another one in each test. */
let id = ''
const readers: EventReader[] = []

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.drop()
  await close()
})

async function start(kind: string, authorized: boolean): Promise<void> {
  id = `order-${crypto.randomUUID()}`
  const server = new McpServer({ name: 'orders', version: '1' })
  server.registerTool('pay', {}, async (ctx) => {
    const { action } = await ctx.elicitUrl('Pay', 'https://shop.example/pay', { id })
    return { content: [{ type: 'text', text: action }] }
  })
  endpoint = createEndpoint(server, {
    store: kind === 'redis' ? redisStore(redis.url) : memoryStore(),
    keys: [Buffer.alloc(32, 1)],
    session: { drainTimeout: 0 },
    ...(authorized && {
      auth: { resource: 'https://mcp.example/mcp', verify: (token: string) => ({ issuer: 'x', subject: token }) },
    }),
  })
  const http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => http.once('listening', resolve))
  url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
  close = async () => {
    await endpoint.close()
    if ('closeAllConnections' in http) http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  }
}

const headersOf = (name: string) => ({ authorization: `Bearer ${name}` })
const open = (name: string) => initialize(url, '2025-11-25', undefined, headersOf(name))

/** Calls the tool, and resolves with its ask or its result. */
async function pay(session: RawSession, name: string): Promise<RpcMessage | undefined> {
  const response = await post(url, toolCall(1, 'pay'), { session, headers: headersOf(name) })
  if (response.headers.get('content-type') !== 'text/event-stream') return (await response.json()) as RpcMessage
  const stream = new EventReader(response)
  readers.push(stream)
  return stream.message()
}

async function getStream(session: RawSession, name: string): Promise<EventReader> {
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id, ...headersOf(name) }
  const reader = new EventReader(await fetch(url, { headers }))
  readers.push(reader)
  return reader
}

describe.each(['memory', 'redis'])('in %s', (kind) => {
  test.each([true, false])('another client cannot take it over, with authorization: %s', async (authorized) => {
    await start(kind, authorized)
    const [ada, eve] = [await open('ada'), await open('eve')]
    const listening = await getStream(ada, 'ada')
    expect(await pay(ada, 'ada')).toMatchObject({ method: 'elicitation/create' })
    expect((await pay(eve, 'eve'))?.result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('is in use by another client') }],
    })
    expect(await endpoint.elicitationCompleted(id)).toBe(true)
    const { message } = await listening.until(({ method }) => method === 'notifications/elicitation/complete')
    expect(message?.params).toEqual({ elicitationId: id })
  })

  test('the next session of the same principal gets the completion', async () => {
    await start(kind, true)
    const [first, second] = [await open('ada'), await open('ada')]
    await pay(first, 'ada')
    const listening = await getStream(second, 'ada')
    expect(await pay(second, 'ada')).toMatchObject({ method: 'elicitation/create' })
    expect(await endpoint.elicitationCompleted(id)).toBe(true)
    await listening.until(({ method }) => method === 'notifications/elicitation/complete')
  })

  test('without authorization another client may use it once the session has ended', async () => {
    await start(kind, false)
    const [before, next] = [await open('ada'), await open('eve')]
    await pay(before, 'ada')
    expect((await pay(next, 'eve'))?.result).toMatchObject({ isError: true })
    await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': before.id } })
    expect(await pay(next, 'eve')).toMatchObject({ method: 'elicitation/create' })
    const listening = await getStream(next, 'eve')
    expect(await endpoint.elicitationCompleted(id)).toBe(true)
    await listening.until(({ method }) => method === 'notifications/elicitation/complete')
  })
})
