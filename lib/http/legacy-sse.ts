/** HTTP+SSE, the transport of 2024-11-05: `GET /sse` and `POST /messages`, over the same sessions and mailboxes. */
import type { Hono } from 'hono'
import { invalidRequest } from '../protocol/errors.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { readMessage } from '../protocol/read.ts'
import { isNegligible, parseJson, readBytes, requireJson, unreadable } from './body.ts'
import { type McpParts, noteMethod, requireIdLength } from './mcp.ts'
import { type HttpExchange, pathsOf, route } from './route.ts'

/** Where it answers. */
export const LEGACY_PATHS = ['/sse', '/messages'] as const

export function legacyRoutes(app: Hono, parts: McpParts): void {
  const { access, memory, options, responseLimit, sessions } = parts
  const open = ({ c, caller }: HttpExchange) => {
    // Relative to the address that the client used, so that a path prefix in front of this endpoint stays.
    const base = c.req.path.replace(/\/sse\/?$/, '')
    return sessions.openLegacy(caller, (id) => `${base}/messages?sessionId=${encodeURIComponent(id)}`)
  }
  const post = async ({ c, header, caller }: HttpExchange) => {
    const id = c.req.query('sessionId')
    if (!id) throw invalidRequest('The query needs sessionId, as the endpoint event gave it.')
    requireIdLength('sessionId', id)
    requireJson(header)
    if (!isNegligible(header)) caller.held = memory.hold(caller.client)
    const bytes = await readBytes(c, header, options.maxBytes, caller.held).catch((error) => {
      throw unreadable(error)
    })
    const body = parseJson(bytes, options, caller.held)
    if (!isObject(body)) throw invalidRequest('The body must be one JSON-RPC message.')
    const message = readMessage(body)
    if (caller.note) noteMethod(caller.note, message, 1)
    access.admit(c, caller, [message], false)
    return sessions.postLegacy(caller, id, message)
  }
  const [streams, messages] = [
    route(parts, { handlers: { GET: open }, allow: 'GET', responseLimit }),
    route(parts, { handlers: { POST: post }, allow: 'POST' }),
  ]
  for (const path of pathsOf('/sse')) app.all(path, streams)
  for (const path of pathsOf('/messages')) app.all(path, messages)
}
