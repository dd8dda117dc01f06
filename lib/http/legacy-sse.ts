/** HTTP+SSE, the transport of 2024-11-05: `GET /sse` and `POST /messages`, over the same sessions and mailboxes. */
import type { Hono } from 'hono'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { readSingleMessage, requireJson } from './body.ts'
import type { McpParts } from './mcp.ts'
import { type HttpExchange, route } from './route.ts'

/** Where it answers. */
export const LEGACY_PATHS = ['/sse', '/messages'] as const

export function legacyRoutes(app: Hono, parts: McpParts): void {
  const { access, options, responseLimit, sessions } = parts
  const open = ({ c, caller }: HttpExchange) => {
    // Relative to the address that the client used, so that a path prefix in front of this endpoint stays.
    const base = c.req.path.replace(/\/sse$/, '')
    return sessions.openLegacy(caller, (id) => `${base}/messages?sessionId=${encodeURIComponent(id)}`)
  }
  const post = async ({ c, header, caller }: HttpExchange) => {
    const id = c.req.query('sessionId')
    if (!id) {
      const message = 'The query needs sessionId, as the endpoint event gave it.'
      throw new Refusal(400, ErrorCode.InvalidRequest, message)
    }
    requireJson(header)
    const message = await readSingleMessage(c.req.raw, header, options)
    access.requireScopes(c, caller, [message], false)
    access.requireRoom(caller, [message])
    return sessions.postLegacy(caller, id, message)
  }
  app.all('/sse', route(parts, { handlers: { GET: open }, allow: 'GET', responseLimit }))
  app.all('/messages', route(parts, { handlers: { POST: post }, allow: 'POST' }))
}
