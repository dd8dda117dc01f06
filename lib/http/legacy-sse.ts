/** HTTP+SSE, the transport of 2024-11-05: `GET /sse` and `POST /messages`, over the same sessions and mailboxes. */
import type { Context, Hono } from 'hono'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Reply } from '../runtime/reply.ts'
import type { ReadHeader } from './headers.ts'
import { headerReader, isJsonType } from './headers.ts'
import type { McpHandlers } from './mcp.ts'
import { readSingleMessage, refuse } from './mcp.ts'
import { failure, respond } from './respond.ts'

/** Where it answers. */
export const LEGACY_PATHS = ['/sse', '/messages'] as const

const TAKES_BOTH = { json: true, sse: true }

export function legacyRoutes(app: Hono, handlers: McpHandlers): void {
  const { doors, guard, options, onError, sessions } = handlers
  const route = (
    method: 'GET' | 'POST',
    limit: number,
    serve: (c: Context, header: ReadHeader, caller: Caller) => Promise<Reply>,
  ) => {
    return async (c: Context) => {
      const header = headerReader(c)
      const { refused, headers: extra } = doors.admit(header, c.req)
      if (refused !== undefined) return failure(403, ErrorCode.InvalidRequest, refused, extra)
      if (c.req.method === 'OPTIONS') {
        return new Response(null, { status: 204, headers: { ...extra, ...doors.preflight(header) } })
      }
      try {
        const caller = await guard.caller(c, header, limit)
        if (c.req.method !== method) {
          return failure(405, ErrorCode.InvalidRequest, `Use ${method} here.`, { ...extra, Allow: method })
        }
        return respond(await serve(c, header, caller), TAKES_BOTH, extra, options)
      } catch (error) {
        return refuse(error, extra, options, onError)
      }
    }
  }
  app.all(
    '/sse',
    route('GET', handlers.responseLimit, (c, _header, caller) => {
      // Relative to the address that the client used, so that a path prefix in front of this endpoint stays.
      const base = c.req.path.replace(/\/sse$/, '')
      return sessions.openLegacy(caller, (id) => `${base}/messages?sessionId=${encodeURIComponent(id)}`)
    }),
  )
  app.all(
    '/messages',
    route('POST', 0, async (c, header, caller) => {
      const id = c.req.query('sessionId')
      if (!id) {
        const message = 'The query needs sessionId, as the endpoint event gave it.'
        throw new Refusal(400, ErrorCode.InvalidRequest, message)
      }
      if (!isJsonType(header('content-type'))) {
        throw new Refusal(415, ErrorCode.InvalidRequest, 'Content-Type must be application/json.')
      }
      const message = await readSingleMessage(c, header, options)
      guard.requireScopes(c, caller, [message], false)
      guard.requireRoom(caller, [message])
      return sessions.postLegacy(caller, id, message)
    }),
  )
}
