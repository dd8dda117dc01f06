import { ErrorCode } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, Message, RequestId } from '../protocol/jsonrpc.ts'
import { isObject, isRequestId, resultText, typedId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { features, isSessionRevision, LATEST_SESSION_REVISION } from '../protocol/revisions.ts'
import { sseEvent } from '../protocol/sse.ts'
import { readImplementation } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance, UnnamedStore } from '../runtime/instance.ts'
import { lifetimeOf } from '../runtime/lifetime.ts'
import { sessionNotFound, tooManySessions, tooManyStreams } from '../runtime/refusals.ts'
import type { Reply } from '../runtime/reply.ts'
import { Call } from './call/call.ts'
import { Exchange } from './call/exchange.ts'
import { type CallHost, continuedCarrier, relayed } from './call/host.ts'
import { RunningCalls } from './call/running.ts'
import { openGetStream, openLegacyStream, resume } from './resume.ts'
import { newSessionId, readRecord, type Session, sessionKey, writeRecord } from './stream/session.ts'
import { relayTo, takeOvers } from './takeover.ts'

/** Makes the result of `initialize` for a negotiated revision. */
type Introduce = (revision: Session['revision']) => JsonObject

interface PostInput {
  caller: Caller
  sessionId: string
  messages: Message[]
  /** The body was an array. */
  batch: boolean
  /** The client takes `text/event-stream`. */
  streams: boolean
}

/** The longest session record, in characters: every request of the session reads its record. */
const MAX_RECORD = 16_384

/**
 * Reads the revision and the client's description from `initialize`.
 * @throws Refusal if the request names no revision
 */
function readInitialize({ id, params = {} }: JsonRpcRequest): Pick<Session, 'revision' | 'client'> {
  const { protocolVersion, capabilities, clientInfo } = params
  if (typeof protocolVersion !== 'string') {
    throw new Refusal(400, ErrorCode.InvalidParams, 'initialize needs "protocolVersion", a string.', { id })
  }
  return {
    revision: isSessionRevision(protocolVersion) ? protocolVersion : LATEST_SESSION_REVISION,
    client: {
      capabilities: isObject(capabilities) ? capabilities : {},
      info: readImplementation(clientInfo),
    },
  }
}

/** @throws Refusal if the description of the client in `initialize` is too long */
function checkLength(record: string, { id }: JsonRpcRequest): void {
  if (record.length <= MAX_RECORD) return
  const message = `"capabilities" and "clientInfo" may have ${MAX_RECORD} characters together.`
  throw new Refusal(400, ErrorCode.InvalidParams, message, { id })
}

/** The result or the error that a client sent for an ask, as the store keeps it. */
function answerText(response: { result?: unknown; error?: unknown }): string {
  return JSON.stringify(isObject(response.error) ? { error: response.error } : { result: response.result })
}

const EMPTY_202: Reply = { kind: 'empty', status: 202 }

export class Sessions {
  readonly #host: CallHost
  readonly #introduce: Introduce

  constructor(host: Omit<CallHost, 'takeOverFor' | 'running'>, introduce: Introduce) {
    const running = new RunningCalls()
    const full: CallHost = { ...host, running, takeOverFor: (caller) => takeOvers(full, caller) }
    this.#host = full
    this.#introduce = introduce
  }

  get #instance(): Instance {
    return this.#host.instance
  }
  get #store(): UnnamedStore {
    return this.#instance.store
  }

  /**
   * `initialize`: negotiates the revision and opens a session. A session id in the request is ignored.
   * The response is sent once the store has the session: the client's next request may reach another instance.
   */
  async initialize(request: JsonRpcRequest, caller: Caller): Promise<Reply> {
    const { id, revision } = await this.#create(caller, readInitialize(request), false, request)
    const body = resultText(request.id, this.#introduce(revision))
    return { kind: 'json', status: 200, body, headers: { 'Mcp-Session-Id': id } }
  }

  async #create(
    caller: Caller,
    described: Pick<Session, 'revision' | 'client'>,
    legacy: boolean,
    request?: JsonRpcRequest,
  ): Promise<Session> {
    const { clock, options, store } = this.#instance
    const id = newSessionId()
    const key = sessionKey(caller.principal, id)
    const session: Session = { id, key, ...described, createdAt: clock.now(), legacy, level: undefined, full: false }
    const record = writeRecord(session)
    if (request) checkLength(record, request)
    const lifetime = legacy ? lifetimeOf(session, options) : options.firstLifetime
    const { status } = await store.createSession(key, record, lifetime, this.#owner(caller))
    if (status === 'full') throw tooManySessions(options.maxSessions, request?.id)
    if (request && caller.note) Object.assign(caller.note, { session: key, revision: session.revision })
    return session
  }

  /** The principal whose sessions are counted. Undefined without authorization, where all callers are one principal. */
  #owner({ principal }: Caller): { id: string; max: number } | undefined {
    return principal === '' ? undefined : { id: principal, max: this.#instance.options.maxSessions }
  }

  /** Reads a session in one round trip. Undefined: unknown, ended, too old, or of another principal. */
  async #open(caller: Caller, id: string, slide = true): Promise<Session | undefined> {
    const key = sessionKey(caller.principal, id)
    const row = await this.#store.readSession(key, slide ? this.#instance.options.idleLifetime : undefined)
    if (!row) return undefined
    const session = readRecord(id, key, row)
    if (caller.note) Object.assign(caller.note, { session: key, revision: session.revision })
    if (this.#instance.clock.now() - session.createdAt <= this.#instance.options.maxLifetime) return session
    await this.#end(session.key, caller)
    return undefined
  }

  async post(input: PostInput): Promise<Reply> {
    const { caller, sessionId, messages, batch } = input
    // `initialized` does not extend the session: a client that leaves after its handshake leaves nothing behind for
    // long.
    const first = messages[0]
    const handshake =
      !batch && first?.kind === 'notification' && first.notification.method === 'notifications/initialized'
    const session = await this.#open(caller, sessionId, !handshake)
    if (!session || session.legacy) throw sessionNotFound(first?.kind === 'request' ? first.request.id : undefined)
    if (batch && !features(session.revision).batches) {
      const message = `Only 2025-03-26 has batches; this session has ${session.revision}. Send one message per POST.`
      throw new Refusal(400, ErrorCode.InvalidRequest, message)
    }
    return this.#handle(session, input)
  }

  async #handle(session: Session, { caller, messages, batch, streams }: PostInput): Promise<Reply> {
    const requests: JsonRpcRequest[] = []
    const others: Promise<void>[] = []
    for (const message of messages) {
      if (message.kind === 'request') requests.push(message.request)
      else others.push(this.#take(session, message))
    }
    if (others.length > 0) await Promise.all(others)
    if (requests.length === 0) return EMPTY_202
    if (session.full) await this.#recount(session)
    return new Exchange(this.#host, session, caller, { streams, batch }).run(requests)
  }

  /** The session had as many calls as it may: this is one more round trip, and only then. */
  async #recount(session: Session): Promise<void> {
    const { maxCalls } = this.#instance.options
    session.full = (await this.#store.countCalls(session.key, maxCalls)) >= maxCalls
  }

  /**
   * Handles a notification or a response. When this resolves, the message is stored or done and may be acknowledged.
   */
  async #take(session: Session, message: Exclude<Message, { kind: 'request' }>): Promise<void> {
    if (message.kind === 'response') {
      const { id } = message.response
      if (typeof id !== 'string') return
      const value = answerText(message.response)
      const reply = await this.#store.answer(session.key, id, value)
      if (reply.status !== 'unknown') await this.#instance.send({ t: 'answer', to: reply.owner, ask: id, value })
      return
    }
    const { method, params } = message.notification
    if (method === 'notifications/cancelled') {
      const { requestId, reason } = params ?? {}
      if (!isRequestId(requestId)) return
      await this.#cancel(session, requestId, typeof reason === 'string' ? reason : undefined)
    }
  }

  async #cancel(session: Session, requestId: RequestId, reason: string | undefined): Promise<void> {
    const id = typedId(requestId)
    const unregistered = this.#instance.unregistered.get(session.key + id)
    if (unregistered) return unregistered.cancel(reason)
    const reply = await this.#store.cancel(session.key, id)
    if (reply.status !== 'ok') return
    await this.#instance.send({ t: 'cancel', to: reply.owner, ...(reason !== undefined && { reason }) })
  }

  async get(caller: Caller, sessionId: string, lastEventId: string | undefined): Promise<Reply> {
    if (this.#instance.full) throw tooManyStreams()
    const session = await this.#open(caller, sessionId)
    if (!session || session.legacy) throw sessionNotFound()
    return lastEventId === undefined || lastEventId === ''
      ? openGetStream(this.#host, session, caller)
      : resume(this.#host, session, caller, lastEventId)
  }

  /** DELETE: when this resolves, no instance serves a later request of the session. */
  async delete(caller: Caller, sessionId: string): Promise<Reply> {
    if (!(await this.#end(sessionKey(caller.principal, sessionId), caller))) throw sessionNotFound()
    return { kind: 'empty', status: 204 }
  }

  async #end(key: string, caller: Caller): Promise<boolean> {
    const ended = await this.#store.deleteSession(key, this.#owner(caller))
    if (ended.status === 'gone') return false
    for (const to of [...ended.holders, ...ended.owners]) void this.#instance.send({ t: 'gone', to })
    return ended.status === 'ok'
  }

  // HTTP+SSE, 2024-11-05 -----------------------------------------------------------------------------------------

  /** `GET /sse`: opens a session whose only stream is this response. `addressOf` makes the address for its POSTs. */
  async openLegacy(caller: Caller, addressOf: (sessionId: string) => string): Promise<Reply> {
    if (this.#instance.full) throw tooManyStreams()
    const described = { revision: '2024-11-05', client: { capabilities: {}, info: undefined } } as const
    const session = await this.#create(caller, described, true)
    const first = sseEvent('endpoint', addressOf(session.id))
    return openLegacyStream(this.#host, session, caller, first, () => {
      this.#end(session.key, caller).catch((error) => this.#instance.report(error))
    })
  }

  /**
   * `POST /messages`: 202 once the message is accepted. Responses and notifications are sent on the session's stream.
   */
  async postLegacy(caller: Caller, sessionId: string, message: Message): Promise<Reply> {
    // The heartbeats of the stream extend the session. Without heartbeats, its POSTs do.
    const session = await this.#open(caller, sessionId, this.#instance.options.heartbeat <= 0)
    if (!session?.legacy) throw sessionNotFound()
    if (message.kind !== 'request') {
      await this.#take(session, message)
      return EMPTY_202
    }
    if (message.request.method === 'initialize') {
      Object.assign(session, readInitialize(message.request))
      const record = writeRecord(session)
      checkLength(record, message.request)
      const { status } = await this.#store.replaceRecord(session.key, record)
      if (status === 'gone') throw sessionNotFound()
      const { id } = message.request
      const text = resultText(id, this.#introduce(session.revision))
      await relayTo(this.#instance, session, text, `init.${typedId(id)}`)
      return EMPTY_202
    }
    await this.#instance.attend()
    if (session.full) await this.#recount(session)
    const continued = relayed(message.request, (data, id) => relayTo(this.#instance, session, data, id))
    const { request } = message
    new Call({ host: this.#host, session, request, caller, carrier: continuedCarrier, continued }).start()
    return EMPTY_202
  }
}
