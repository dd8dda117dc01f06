/**
 * The references: a plain Hono app on @hono/node-server that only parses the same bodies and stringifies the same
 * responses. With BENCH_REDIS it also sends one auto-pipelined GET per request.
 */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { DONE, listedTool } from '../tools.ts'
import { LISTED_TOOLS, REDIS_URL, start } from './serve.ts'

interface Body {
  id: number
  method: string
  params: { arguments?: { text: string; steps: number }; _meta?: { progressToken?: string } }
}

const redis = REDIS_URL === undefined ? undefined : new Redis(REDIS_URL, { enableAutoPipelining: true })
await redis?.set('bench:raw', 'x'.repeat(150), 'PX', 3_600_000)

const tools = Array.from({ length: LISTED_TOOLS }, (_, n) => {
  const { inputSchema, ...tool } = listedTool(n)
  return { ...tool, inputSchema: z.toJSONSchema(inputSchema) }
})

const serverInfo = { name: 'bench', version: '1.0.0' }
const app = new Hono()

app.post('/mcp', async (c) => {
  const body = await c.req.json<Body>()
  if (redis) await redis.get('bench:raw')
  const { id, method, params } = body
  if (method === 'initialize') {
    c.header('Mcp-Session-Id', crypto.randomUUID())
    const capabilities = { logging: {}, tools: { listChanged: true } }
    return c.json({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo } })
  }
  if (method === 'tools/list') return c.json({ jsonrpc: '2.0', id, result: { tools } })
  if (params.arguments?.steps) {
    const { steps } = params.arguments
    return streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: '', id: 'stream.0' })
      for (let progress = 1; progress <= steps; progress++) {
        const message = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 't', progress } }
        await stream.writeSSE({ event: 'message', id: `stream.${progress}`, data: JSON.stringify(message) })
      }
      const last = JSON.stringify({ jsonrpc: '2.0', id, result: DONE })
      await stream.writeSSE({ event: 'message', id: `stream.${steps + 1}`, data: last })
    })
  }
  const content = [{ type: 'text', text: params.arguments?.text }]
  const extra = params._meta
    ? { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo } }
    : {}
  return c.json({ jsonrpc: '2.0', id, result: { ...extra, content } })
})

const FIRST = new TextEncoder().encode(': \n\n')
const open = new Set<ReadableStreamDefaultController>()

/** An open stream, to compare memory. It is one stream, as this project's is; `streamSSE` uses three, and 8 KB more. */
app.get('/mcp', (c) => {
  let own: ReadableStreamDefaultController
  const body = new ReadableStream({
    start(controller) {
      own = controller
      open.add(own)
      own.enqueue(FIRST)
    },
    cancel() {
      open.delete(own)
    },
  })
  return c.body(body, 200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
})

start(app.fetch)
