/** HTTP+SSE, the transport of 2024-11-05: `GET /sse` and `POST /messages`, over the same sessions and mailboxes. */
import type { Context, Hono } from 'hono'
import { ErrorCode } from '../protocol/errors.ts'
import type { Reply } from '../session/reply.ts'
import { refusal } from '../session/reply.ts'
import type { ReadHeader } from './headers.ts'
import { headerReader, isJsonType } from './headers.ts'
import type { McpHandlers } from './mcp.ts'
import { callerOf, readSingleMessage, refuse } from './mcp.ts'
import { failure, respond } from './respond.ts'

const TAKES_BOTH = { json: true, sse: true }

export function legacyRoutes(app: Hono, handlers: McpHandlers): void {
  const { doors, options, onError, sessions } = handlers
  const route = (method: 'GET' | 'POST', serve: (c: Context, header: ReadHeader) => Promise<Reply>) => {
    return async (c: Context) => {
      const header = headerReader(c)
      const { refused, headers: extra } = doors.admit(header)
      if (refused !== undefined) return failure(403, ErrorCode.InvalidRequest, refused, extra)
      if (c.req.method === 'OPTIONS') {
        return new Response(null, { status: 204, headers: { ...extra, ...doors.preflight(header) } })
      }
      if (c.req.method !== method) {
        return failure(405, ErrorCode.InvalidRequest, `Use ${method} here.`, { ...extra, Allow: method })
      }
      try {
        return respond(await serve(c, header), TAKES_BOTH, extra, options)
      } catch (error) {
        return refuse(error, extra, options, onError)
      }
    }
  }
  app.all(
    '/sse',
    route('GET', (c) => {
      // Relative to the address that the client used, so that a path prefix in front of this endpoint stays.
      const base = c.req.path.replace(/\/sse$/, '')
      return sessions.openLegacy(callerOf(c, handlers.responseLimit), (id) => `${base}/messages?sessionId=${encodeURIComponent(id)}`)
    }),
  )
  app.all(
    '/messages',
    route('POST', async (c, header) => {
      const id = c.req.query('sessionId')
      if (!id) return refusal(400, ErrorCode.InvalidRequest, 'The query needs sessionId, as the endpoint event gave it.')
      if (!isJsonType(header('content-type'))) {
        return refusal(415, ErrorCode.InvalidRequest, 'Content-Type must be application/json.')
      }
      return sessions.postLegacy(callerOf(c, 0), id, await readSingleMessage(c, header, options))
    }),
  )
}
