/** Calls the exports of `app/api/mcp/route.ts` as Next.js does: by the name of the method, with a context. */
import { serve } from '@hono/node-server'
import * as route from './route.ts'

const handlers: Record<string, (request: Request, context: object) => Promise<Response>> = { ...route }
const context = { params: Promise.resolve({}) }
const fetch = (request: Request) => handlers[request.method]?.(request, context) ?? new Response(null, { status: 405 })

const { PORT = '3000' } = process.env
serve({ fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => {
  console.log(`http://127.0.0.1:${PORT}/api/mcp`)
})
