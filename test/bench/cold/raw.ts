/**
 * The reference: Hono on its Node server with ioredis, which sends one command for each request. Auto-pipelining, and an address
 * that the client reads, would load the part of the client that a bundle leaves for later.
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Redis } from 'ioredis'

const { hostname: host, port: number } = new URL(process.env.REDIS_URL ?? '')
const redis = new Redis({ host, port: Number(number), lazyConnect: true })
const app = new Hono()

app.post('/mcp', async (c) => {
  const { id } = await c.req.json<{ id: number }>()
  await redis.set('bench:cold', 'x'.repeat(150), 'PX', 60_000)
  return c.json({ jsonrpc: '2.0', id, result: {} })
})

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/mcp`)
})
