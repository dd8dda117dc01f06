/** `/mcp`: reads a message, finds the revision that it speaks, and gives it to the sessions or to the stateless revision. */
import type { RequestStart } from '../base/events.ts'
import type { OnDemand } from '../base/on-demand.ts'
import { MAX_REVISION, MAX_SESSION_ID } from '../protocol/bounds.ts'
import { ErrorCode, invalidRequest, type ProtocolError } from '../protocol/errors.ts'
import { type Message, resultText } from '../protocol/jsonrpc.ts'
import { readMessage } from '../protocol/read.ts'
import { Refusal } from '../protocol/refusal.ts'
import { ASSUMED_REVISION, isSessionRevision, STATELESS_REVISION, SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import { traceOf } from '../protocol/trace-context.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Reply } from '../runtime/reply.ts'
import type { Sessions } from '../session/sessions.ts'
import { hasClaim, versionHeader } from '../stateless/claim.ts'
import type { Stateless } from '../stateless/post.ts'
import type { Access, Seen } from './access.ts'
import {
  admitBody,
  announcedBytes,
  arrivedBytes,
  NEGLIGIBLE,
  parseJson,
  requireJson,
  restOf,
  unreadable,
} from './body.ts'
import { fetchOptions } from './fetch-options.ts'
import type { ReadHeader } from './headers.ts'
import { PARSED } from './on-demand.ts'
import type { Paths } from './paths.ts'
import type { HttpRequest } from './request.ts'
import { type HttpExchange, type RouteParts, route } from './route.ts'

export interface McpParts extends RouteParts {
  paths: Paths
  sessions: Sessions
  stateless: OnDemand<Stateless>
  /** ms; 0: the platform sets no limit. */
  responseLimit: number
}

export function mcpHandler(parts: McpParts): (c: HttpRequest) => Promise<Response> {
  return route(parts, {
    handlers: {
      POST: (exchange) => post(parts, exchange),
      GET: (exchange) => get(parts, exchange),
      DELETE: ({ header, caller }) => {
        refuseStateless(header)
        return parts.sessions.delete(caller, requireSessionId(header))
      },
    },
    allow: 'POST, GET, DELETE',
    responseLimit: parts.responseLimit,
  })
}

async function post(parts: McpParts, exchange: HttpExchange): Promise<Reply> {
  const { c, header, accepted, caller } = exchange
  const { sessions, options, access } = parts
  const { parsedBody } = fetchOptions(c)
  requireJson(header, parsedBody !== undefined)
  if (!accepted.json && !accepted.sse) throw notAcceptable()
  let json: unknown
  if (parsedBody === undefined) {
    const announced = announcedBytes(header)
    if (!(announced <= NEGLIGIBLE)) caller.held = parts.memory.hold(caller.client)
    let bytes: ArrayBuffer | Uint8Array
    // The steps of `readBytes`, without a promise of its own.
    try {
      admitBody(c, announced, options.maxBytes, caller.held)
      await undefined
      bytes = arrivedBytes(c, announced) ?? (await restOf(c, announced, options.maxBytes, caller.held))
    } catch (error) {
      throw unreadable(error)
    }
    json = parseJson(bytes, options, caller.held)
  } else json = (PARSED.now ?? (await PARSED.load())).readParsed(parsedBody, options, parts.memory, caller)
  const body = json
  if (versionHeader(header) === STATELESS_REVISION || hasClaim(body)) return postStateless(parts, body, exchange)
  const batch = Array.isArray(body)
  if (batch && body.some(hasClaim)) throw invalidRequest(NO_BATCH)
  const messages = batch ? readBatch(body, options.maxBatch, access, caller) : [readMessage(body)]
  const [first] = messages
  const request = first?.kind === 'request' && !batch ? first.request : undefined
  if (request) exchange.id = request.id
  if (caller.note && first) noteMethod(caller.note, first, messages.length)
  checkVersion(header)
  access.admit(c, caller, messages, false)
  if (request?.method === 'initialize') return sessions.initialize(request, caller)
  const sessionId = readSessionId(header)
  const admit = access.inSession(c, caller, messages)
  if (sessionId !== undefined)
    return sessions.post({ caller, sessionId, messages, batch, streams: accepted.sse, admit })
  // A ping may come before there is a session.
  if (request?.method === 'ping') return { kind: 'json', status: 200, body: resultText(request.id, {}) }
  if (options.allowSessionless && !batch && first) return withoutSession(parts, first, exchange, admit)
  throw noSessionId()
}

function get({ sessions, streaming, access }: McpParts, { c, header, accepted, caller }: HttpExchange): Promise<Reply> {
  refuseStateless(header)
  if (!streaming) {
    const headers = { Allow: 'POST, DELETE' }
    throw new Refusal(405, ErrorCode.ServerError, 'There are no streams here.', { headers })
  }
  if (!accepted.sse) throw notAcceptable()
  const require = (scopes: readonly string[]) => access.requireScopes(c, caller, new Set(scopes), false)
  return sessions.get(caller, requireSessionId(header), header('last-event-id'), require)
}

/** What the stateless revision adds to a caller. */
const STATELESS: Seen = { revision: STATELESS_REVISION, client: undefined }

const NO_BATCH = `A batch is not part of ${STATELESS_REVISION}. Send one message a POST.`

/** The stateless revision: by the claim in the body, or by the header, which then lacks its claim. */
function postStateless({ stateless, access }: McpParts, body: unknown, exchange: HttpExchange): Reply | Promise<Reply> {
  const { c, header, accepted, caller } = exchange
  if (Array.isArray(body)) throw invalidRequest(NO_BATCH)
  const message = readMessage(body)
  if (caller.note) {
    noteMethod(caller.note, message, 1)
    caller.note.revision = STATELESS_REVISION
  }
  if (message.kind === 'response') throw invalidRequest(`Clients of ${STATELESS_REVISION} send no responses.`)
  // The specification names no header that a notification must have, and none is required.
  if (message.kind === 'notification') return { kind: 'empty', status: 202 }
  exchange.id = message.request.id
  access.admit(c, caller, [message], true, STATELESS)
  const gone = () => c.req.raw.signal
  const input = { caller, request: message.request, streams: accepted.sse, gone }
  return stateless.now?.post(input, header) ?? stateless.load().then((loaded) => loaded.post(input, header))
}

/** A message whose client has lost its session. Notifications and responses are taken and dropped. */
function withoutSession(
  { stateless }: McpParts,
  message: Message,
  { header, accepted, caller }: HttpExchange,
  admit: ((seen: Seen) => void) | undefined,
): Reply | Promise<Reply> {
  if (message.kind !== 'request') return { kind: 'empty', status: 202 }
  const named = versionHeader(header)
  const revision = isSessionRevision(named) ? named : ASSUMED_REVISION
  admit?.({ revision, client: { info: undefined, capabilities: {} } })
  const input = { caller, request: message.request, streams: accepted.sse }
  return stateless.load().then((loaded) => loaded.withoutSession(input, revision))
}

function readBatch(body: unknown[], maxBatch: number, access: Access, caller: Caller): Message[] {
  const { length } = body
  if (length === 0) throw invalidRequest('A batch must not be empty.')
  if (length > maxBatch) throw invalidRequest(`A batch may have ${maxBatch} messages; this one has ${length}.`)
  access.countBatch(caller, length)
  const messages = body.map((message) => readMessage(message))
  if (messages.some((message) => message.kind === 'request' && message.request.method === 'initialize')) {
    throw invalidRequest('initialize must not be part of a batch.')
  }
  return messages
}

/** Characters of a method that an event has. */
const MAX_NOTED = 100

export function noteMethod(note: RequestStart, message: Message, messages: number): void {
  const request = message.kind === 'request' ? message.request : undefined
  const sent = message.kind === 'notification' ? message.notification : request
  note.method = (sent?.method ?? '(response)').slice(0, MAX_NOTED)
  note.messages = messages
  const meta = messages === 1 ? traceOf(sent?.params) : undefined
  if (meta) note.meta = meta
}

/**
 * Some clients send the word `null` where they have none.
 * @throws ProtocolError for an id that no session can have
 */
function readSessionId(header: ReadHeader): string | undefined {
  const id = header('mcp-session-id')
  if (id !== undefined) requireIdLength('Mcp-Session-Id', id)
  return id === undefined || id === '' || id === 'null' || id === 'undefined' ? undefined : id
}

/** @throws ProtocolError */
export function requireIdLength(name: string, id: string): void {
  if (id.length > MAX_SESSION_ID) throw invalidRequest(`${name} may have at most ${MAX_SESSION_ID} characters.`)
}

/** @throws ProtocolError where a GET or a DELETE names no session, or a revision that the endpoint does not have */
function requireSessionId(header: ReadHeader): string {
  checkVersion(header)
  const id = readSessionId(header)
  if (id === undefined) throw noSessionId()
  return id
}

/** GET and DELETE belong to sessions. @throws Refusal 405 */
function refuseStateless(header: ReadHeader): void {
  if (versionHeader(header) !== STATELESS_REVISION) return
  const headers = { Allow: 'POST' }
  throw new Refusal(405, ErrorCode.InvalidRequest, `${STATELESS_REVISION} has POST alone.`, { headers })
}

/**
 * A header that names no revision of this endpoint is 400. A header that names another revision than the session's is
 * not.
 * @throws Refusal 400
 */
function checkVersion(header: ReadHeader): void {
  const version = header('mcp-protocol-version')
  if (version === undefined || isSessionRevision(version.trim())) return
  if (version.length > MAX_REVISION) {
    throw invalidRequest(`MCP-Protocol-Version may have at most ${MAX_REVISION} characters.`)
  }
  const message = `MCP-Protocol-Version ${JSON.stringify(version)} is not supported.`
  const data = { supported: SUPPORTED_REVISIONS, requested: version }
  throw new Refusal(400, ErrorCode.UnsupportedProtocolVersion, message, { data })
}

function noSessionId(): ProtocolError {
  return invalidRequest('Mcp-Session-Id is missing. Open a session with initialize.')
}

function notAcceptable(): Refusal {
  const message =
    'Accept must cover application/json or text/event-stream; best is "application/json, text/event-stream".'
  return new Refusal(406, ErrorCode.InvalidRequest, message)
}
