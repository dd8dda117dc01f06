/** HTTP+SSE, the transport of 2024-11-05: `GET /sse` and `POST /messages`, over the same sessions and mailboxes. */
import { invalidRequest } from '../protocol/errors.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import { readMessage } from '../protocol/read.ts'
import { announcedBytes, NEGLIGIBLE, parseJson, readBytes, requireJson, unreadable } from './body.ts'
import { fetchOptions } from './fetch-options.ts'
import { type McpParts, noteMethod, requireIdLength } from './mcp.ts'
import { PARSED } from './on-demand.ts'
import { type HttpExchange, type RouteHandler, route } from './route.ts'

/** The handlers of both addresses, in the order of {@link LEGACY_PATHS}. */
export function legacyHandlers(parts: McpParts): RouteHandler[] {
  const { access, memory, options, paths, responseLimit, sessions } = parts
  const open = ({ c, caller }: HttpExchange) => {
    // Relative to the address that the client used. Another Hono app may have this one below a path of its own.
    const base = paths.publicPrefix(c) + paths.own(c.req.path).replace(/\/sse\/?$/, '')
    return sessions.openLegacy(caller, (id) => `${base}/messages?sessionId=${encodeURIComponent(id)}`)
  }
  const take = async ({ c, header, caller }: HttpExchange) => {
    const id = new URL(c.req.url).searchParams.get('sessionId')
    if (!id) throw invalidRequest('The query needs sessionId, as the endpoint event gave it.')
    requireIdLength('sessionId', id)
    const { parsedBody } = fetchOptions(c)
    requireJson(header, parsedBody !== undefined)
    const read = async () => {
      const announced = announcedBytes(header)
      if (!(announced <= NEGLIGIBLE)) caller.held = memory.hold(caller.client)
      const bytes = await readBytes(c, announced, options.maxBytes, caller.held).catch((error) => {
        throw unreadable(error)
      })
      return parseJson(bytes, options, caller.held)
    }
    const parsed = async () => (await PARSED.load()).readParsed(parsedBody, options, memory, caller)
    const body = await (parsedBody === undefined ? read() : parsed())
    if (!isObject(body)) throw invalidRequest('The body must be one JSON-RPC message.')
    const message = readMessage(body)
    if (caller.note) noteMethod(caller.note, message, 1)
    access.admit(c, caller, [message], false)
    return sessions.postLegacy(caller, id, message, access.inSession(c, caller, [message]))
  }
  return [
    route(parts, { handlers: { GET: open }, allow: 'GET', responseLimit }),
    route(parts, { handlers: { POST: take }, allow: 'POST' }),
  ]
}
