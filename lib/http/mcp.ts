/** `/mcp` over HTTP: the guards in their order, then the revision, then whoever serves it. */
import type { Context } from 'hono'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { Message, RequestId } from '../protocol/jsonrpc.ts'
import { errorText, isObject, readMessage, resultText } from '../protocol/jsonrpc.ts'
import { ASSUMED_REVISION, isSessionRevision, STATELESS_REVISION, SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Caller, RequestNote } from '../runtime/caller.ts'
import type { Reply } from '../runtime/reply.ts'
import { refusal } from '../runtime/reply.ts'
import type { Sessions } from '../session/sessions.ts'
import { UnreadableRecord } from '../session/stream/session.ts'
import type { HttpOptions } from '../settings.ts'
import { hasClaim, versionHeader } from '../stateless/envelope.ts'
import type { Stateless } from '../stateless/post.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { Guard } from './access.ts'
import { BodyTooLarge, parseBody, readBody, unread } from './body.ts'
import type { Doors } from './cors.ts'
import type { Accepted, ReadHeader } from './headers.ts'
import { headerReader, isJsonType, readAccept } from './headers.ts'
import { HttpRefusal } from './refusal.ts'
import { failure, respond } from './respond.ts'

export interface McpHandlers {
  sessions: Sessions
  stateless: Stateless
  doors: Doors
  guard: Guard
  options: HttpOptions
  onError(error: unknown): void
  /** ms; 0: the platform sets no limit. */
  responseLimit: number
  /** False: no response is a stream, whatever the client would take. */
  streaming: boolean
}

const JSON_ALONE: Accepted = { json: true, sse: false }

/** One request on its way through the guards. */
interface Exchanged {
  c: Context
  header: ReadHeader
  accepted: Accepted
  caller: Caller
  /** The id of the one request in the body, once that is read: errors name it. */
  id?: RequestId
}

export function mcpHandler(handlers: McpHandlers): (c: Context) => Promise<Response> {
  const { doors, guard, options, onError } = handlers
  return async (c) => {
    const header = headerReader(c)
    const { refused, headers: extra } = doors.admit(header, c.req)
    if (refused !== undefined) return failure(403, ErrorCode.InvalidRequest, refused, extra)
    const { method } = c.req
    if (method === 'OPTIONS')
      return new Response(null, { status: 204, headers: { ...extra, ...doors.preflight(header) } })
    const accepted = handlers.streaming ? readAccept(header('accept')) : JSON_ALONE
    let exchanged: Exchanged | undefined
    try {
      const known = guard.caller(c, header, handlers.responseLimit)
      exchanged = { c, header, accepted, caller: known instanceof Promise ? await known : known }
      const reply =
        method === 'POST'
          ? await post(handlers, exchanged)
          : method === 'GET'
            ? await get(handlers, exchanged)
            : method === 'DELETE'
              ? await remove(handlers, exchanged)
              : methodNotAllowed(method)
      return respond(reply, accepted, extra, options)
    } catch (error) {
      return refuse(error, extra, options, onError, exchanged?.id)
    }
  }
}

/** What a thrown error is to the client; `id`: of the request that it answers, where that could be read. */
export function refuse(
  error: unknown,
  extra: Record<string, string> | undefined,
  options: HttpOptions,
  onError: (error: unknown) => void,
  id?: RequestId,
): Response {
  const headers = extra ?? {}
  if (error instanceof ProtocolError) {
    const body = errorText(error.toObject(), error.id ?? id)
    return respond({ kind: 'json', status: 400, body }, JSON_ALONE, extra, options)
  }
  if (error instanceof HttpRefusal) {
    const body = errorText({ code: error.code, message: error.message }, error.id ?? id)
    const reply: Reply = { kind: 'json', status: error.status, body, headers: error.headers }
    return respond(reply, JSON_ALONE, extra, options)
  }
  if (error instanceof BodyTooLarge) {
    return failure(413, ErrorCode.InvalidRequest, `The body is over the limit of ${options.maxBytes} bytes.`, headers)
  }
  if (error instanceof StoreUnavailable || error instanceof UnreadableRecord) {
    // Never 404: it would make the client give its session up.
    const message = 'The session store did not answer; the session is not lost. Try again.'
    return failure(503, ErrorCode.InternalError, message, { ...headers, 'Retry-After': '1' }, id)
  }
  onError(error)
  return failure(500, ErrorCode.InternalError, 'The endpoint failed to answer.', headers, id)
}

function methodNotAllowed(method: string): Reply {
  return {
    ...refusal(405, ErrorCode.InvalidRequest, `${method} is not a method of this endpoint; use POST, GET or DELETE.`),
    headers: { Allow: 'POST, GET, DELETE' },
  }
}

const NOT_ACCEPTABLE = refusal(
  406,
  ErrorCode.InvalidRequest,
  'Accept must cover application/json or text/event-stream; best is "application/json, text/event-stream".',
)

async function post(handlers: McpHandlers, exchanged: Exchanged): Promise<Reply> {
  const { c, header, accepted, caller } = exchanged
  const { sessions, options, guard } = handlers
  if (!isJsonType(header('content-type'))) {
    return refusal(415, ErrorCode.InvalidRequest, 'Content-Type must be application/json.')
  }
  if (!accepted.json && !accepted.sse) return NOT_ACCEPTABLE
  let text: string
  try {
    text = await readBody(c.req.raw, header('content-length'), options.maxBytes)
  } catch (error) {
    throw unread(error)
  }
  const body = parseBody(text, options.maxDepth)
  if (versionHeader(header) === STATELESS_REVISION || hasClaim(body)) return postStateless(handlers, body, exchanged)
  const batch = Array.isArray(body)
  if (batch && body.some(hasClaim)) throw new ProtocolError(ErrorCode.InvalidRequest, NO_BATCH)
  const messages = batch ? readBatch(body, options.maxBatch) : [readMessage(body)]
  const [first] = messages
  if (first?.kind === 'request' && !batch) exchanged.id = first.request.id
  if (caller.note && first) noteMethod(caller.note, first)
  const versionRefused = checkVersion(header, exchanged.id)
  if (versionRefused) return versionRefused
  guard.requireScopes(c, caller, messages, false)
  guard.requireRoom(caller, messages)
  if (first?.kind === 'request' && first.request.method === 'initialize' && !batch) {
    return sessions.initialize(first.request, caller)
  }
  const sessionId = readSessionId(header)
  if (sessionId === undefined) {
    // A ping may come before there is a session.
    if (!batch && first?.kind === 'request' && first.request.method === 'ping') {
      return { kind: 'json', status: 200, body: resultText(first.request.id, {}) }
    }
    if (options.allowSessionless && !batch && first) return withoutSession(handlers, first, exchanged)
    return noSessionId(exchanged.id)
  }
  return sessions.post({ caller, sessionId, messages, batch, streams: accepted.sse })
}

const NO_BATCH = `A batch is not part of ${STATELESS_REVISION}. Send one message a POST.`

/** The stateless revision: by the claim in the body, or by the header, which then lacks its claim. */
function postStateless({ stateless, guard }: McpHandlers, body: unknown, exchanged: Exchanged): Reply | Promise<Reply> {
  const { c, header, accepted, caller } = exchanged
  if (Array.isArray(body)) throw new ProtocolError(ErrorCode.InvalidRequest, NO_BATCH)
  const message = readMessage(body)
  if (caller.note) {
    noteMethod(caller.note, message)
    caller.note.revision = STATELESS_REVISION
  }
  if (message.kind === 'response') {
    throw new ProtocolError(ErrorCode.InvalidRequest, `Clients of ${STATELESS_REVISION} send no responses.`)
  }
  // What a notification should look like is not said: it is taken, and needs no header.
  if (message.kind === 'notification') return { kind: 'empty', status: 202 }
  exchanged.id = message.request.id
  guard.requireScopes(c, caller, [message], true)
  guard.requireRoom(caller, [message])
  const gone = () => c.req.raw.signal
  return stateless.post({ caller, request: message.request, header, streams: accepted.sse, gone })
}

/** One message that has lost its session; what it says of no request is taken and dropped. */
function withoutSession(
  { stateless }: McpHandlers,
  message: Message,
  { header, accepted, caller }: Exchanged,
): Reply | Promise<Reply> {
  if (message.kind !== 'request') return { kind: 'empty', status: 202 }
  const named = versionHeader(header)
  const revision = isSessionRevision(named) ? named : ASSUMED_REVISION
  return stateless.withoutSession({ caller, request: message.request, streams: accepted.sse, revision })
}

function readBatch(body: unknown[], maxBatch: number): Message[] {
  if (body.length === 0) throw new ProtocolError(ErrorCode.InvalidRequest, 'A batch must not be empty.')
  if (body.length > maxBatch) {
    throw new ProtocolError(
      ErrorCode.InvalidRequest,
      `A batch may have ${maxBatch} messages; this one has ${body.length}.`,
    )
  }
  const messages = body.map(readMessage)
  if (messages.some((message) => message.kind === 'request' && message.request.method === 'initialize')) {
    throw new ProtocolError(ErrorCode.InvalidRequest, 'initialize must not be part of a batch.')
  }
  return messages
}

/** Characters of a method that a line of the log has. */
const MAX_NOTED = 100

function noteMethod(note: RequestNote, message: Message): void {
  const method =
    message.kind === 'request'
      ? message.request.method
      : message.kind === 'notification'
        ? message.notification.method
        : '(response)'
  note.method = method.slice(0, MAX_NOTED)
}

/** Some clients send the word `null` where they have none. */
function readSessionId(header: ReadHeader): string | undefined {
  const id = header('mcp-session-id')
  return id === undefined || id === '' || id === 'null' || id === 'undefined' ? undefined : id
}

function noSessionId(id?: RequestId): Reply {
  return refusal(400, ErrorCode.InvalidRequest, 'Mcp-Session-Id is missing. Open a session with initialize.', id)
}

/** A header that names no revision of this endpoint is 400. One that names another than the session's is not. */
function checkVersion(header: ReadHeader, id?: RequestId): Reply | undefined {
  const version = header('mcp-protocol-version')
  if (version === undefined || isSessionRevision(version.trim())) return undefined
  const message = `MCP-Protocol-Version ${JSON.stringify(version)} is not supported.`
  const data = { supported: SUPPORTED_REVISIONS, requested: version }
  return refusal(400, ErrorCode.UnsupportedProtocolVersion, message, id, data)
}

/** GET and DELETE belong to sessions. */
function noStatelessMethod(): Reply {
  const message = `${STATELESS_REVISION} has POST alone.`
  return { ...refusal(405, ErrorCode.InvalidRequest, message), headers: { Allow: 'POST' } }
}

async function get({ sessions, streaming }: McpHandlers, { header, accepted, caller }: Exchanged): Promise<Reply> {
  if (versionHeader(header) === STATELESS_REVISION) return noStatelessMethod()
  if (!streaming)
    return { ...refusal(405, ErrorCode.ServerError, 'There are no streams here.'), headers: { Allow: 'POST, DELETE' } }
  if (!accepted.sse) return NOT_ACCEPTABLE
  const versionRefused = checkVersion(header)
  if (versionRefused) return versionRefused
  const sessionId = readSessionId(header)
  if (sessionId === undefined) return noSessionId()
  return sessions.get(caller, sessionId, header('last-event-id'))
}

async function remove({ sessions }: McpHandlers, { header, caller }: Exchanged): Promise<Reply> {
  if (versionHeader(header) === STATELESS_REVISION) return noStatelessMethod()
  const versionRefused = checkVersion(header)
  if (versionRefused) return versionRefused
  const sessionId = readSessionId(header)
  return sessionId === undefined ? noSessionId() : sessions.delete(caller, sessionId)
}

/** Reads one message of HTTP+SSE (2024-11-05). */
export async function readSingleMessage(c: Context, header: ReadHeader, options: HttpOptions): Promise<Message> {
  const text = await readBody(c.req.raw, header('content-length'), options.maxBytes).catch((error) => {
    throw unread(error)
  })
  const body = parseBody(text, options.maxDepth)
  if (!isObject(body)) throw new ProtocolError(ErrorCode.InvalidRequest, 'The body must be one JSON-RPC message.')
  return readMessage(body)
}
