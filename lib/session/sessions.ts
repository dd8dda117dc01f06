import { channels } from '../base/events.ts'
import { digest } from '../base/ids.ts'
import { OnDemand, operationsOf } from '../base/on-demand.ts'
import { MAX_REASON, shown } from '../protocol/bounds.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonRpcRequest, Message, RawJson } from '../protocol/jsonrpc.ts'
import { isRequestId, resultText, typedId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { features } from '../protocol/revisions.ts'
import { sseEvent } from '../protocol/sse.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance, UnnamedStore } from '../runtime/instance.ts'
import { lifetimeOf } from '../runtime/lifetime.ts'
import { sessionNotFound, tooManySessions } from '../runtime/refusals.ts'
import type { Reply } from '../runtime/reply.ts'
import { Call } from './call/call.ts'
import { Exchange } from './call/exchange.ts'
import { type CallHost, continuedCarrier, type Require, relayed } from './call/host.ts'
import { RunningCalls, recount } from './call/running.ts'
import { readInitialize, recordOf } from './initialize.ts'
import { requireRoom } from './room.ts'
import { newEventKey } from './stream/event-id.ts'
import { newSessionId, noteSession, readRecord, type Session, sessionKey, writeRecord } from './stream/session.ts'
import { takeOverBy } from './take-over-by.ts'

/** Makes the result of `initialize` for a negotiated revision. */
type Introduce = (revision: Session['revision']) => RawJson

interface PostInput {
  caller: Caller
  sessionId: string
  messages: Message[]
  /** The body was an array. */
  batch: boolean
  /** The client takes `text/event-stream`. */
  streams: boolean
  admit: Admit
}

/** Throws where the caller lacks scopes of what the session sees. Undefined: that was checked before. */
type Admit = ((session: Session) => void) | undefined

const EMPTY_202: Reply = { kind: 'empty', status: 202 }

/** Loaded with the first GET: many clients, and all functions without streams, only POST. */
const streamsOfGet = () => import('./resume.ts')

const FROM_CLIENT = new OnDemand(() =>
  import('./from-client.ts').then((code) => ({ takeAnswer: code.takeAnswer, cancelCall: code.cancelCall })),
)
/** As those of from-client.ts: before the first answer and the first cancel of a process there was a call. */
const { takeAnswer, cancelCall } = operationsOf(FROM_CLIENT, { takeAnswer: true, cancelCall: true })

const RELAY = new OnDemand(() => import('./relay.ts').then(({ relayTo }) => ({ relayTo })))
/** As that of relay.ts: for HTTP+SSE. */
const { relayTo } = operationsOf(RELAY, { relayTo: true })

/** Loaded where somebody listens. */
const sessionEvents = () => import('./session-events.ts')

export class Sessions {
  readonly #host: CallHost
  readonly #introduce: Introduce

  constructor(host: Omit<CallHost, 'takeOverFor' | 'running'>, introduce: Introduce) {
    const running = new RunningCalls()
    const full: CallHost = { ...host, running, takeOverFor: (caller) => takeOverBy(full, caller) }
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
    requireRoom(this.#instance, caller.client, request?.id)
    const { clock, options, store, stored } = this.#instance
    const id = newSessionId()
    const key = sessionKey(caller.principal, id)
    // The stream of HTTP+SSE has no event ids.
    const eventKey = legacy ? undefined : newEventKey()
    const fresh = { level: undefined, eventKey, servedByOlder: false, full: false, busy: false }
    const session: Session = { id, key, ...described, createdAt: clock.wall(), legacy, ...fresh }
    const record = request ? recordOf(session, request) : writeRecord(session)
    const lifetime = legacy ? lifetimeOf(session, options) : options.firstLifetime
    const owner = this.#owner(caller)
    const { status } = await store.createSession(key, record, lifetime, owner, options.maxLifetime).catch((error) => {
      // Its id is never sent: what was written of it, and its place among its principal's sessions, is removed.
      this.#instance.retry.add(() => store.deleteSession(key, owner))
      throw error
    })
    if (status === 'full') throw tooManySessions(options.maxSessions, request?.id)
    stored.count(caller.client, key, record.length, lifetime)
    if (caller.note) noteSession(caller.note, session)
    if (channels['session-start'].hasSubscribers) {
      const published = sessionEvents().then((events) => events.publishOpened(this.#instance, session, caller))
      void this.#instance.track(published)
    }
    return session
  }

  /** The principal whose sessions are counted. Undefined without authorization, where all callers are one principal. */
  #owner({ principal }: Caller): { id: string; max: number } | undefined {
    return principal === '' ? undefined : { id: principal, max: this.#instance.options.maxSessions }
  }

  /** Reads a session in one round trip. Undefined: unknown, ended, or of another principal. */
  async #open(caller: Caller, id: string, slide = true): Promise<Session | undefined> {
    const instance = this.#instance
    const { idleLifetime, maxLifetime } = instance.options
    const key = sessionKey(caller.principal, id)
    instance.entering++
    const reading = this.#store.readSession(key, slide ? idleLifetime : undefined, maxLifetime)
    let row: Awaited<typeof reading>
    try {
      row = await reading
    } finally {
      instance.entered()
    }
    if (!row) return undefined
    const session = readRecord(id, key, row)
    const dated = row.undated && (await this.#store.dateSession(key, session.createdAt, maxLifetime))
    if (dated && dated.status === 'gone') return undefined
    // Until now it counted for as long as a session lives that nobody uses.
    if (row.first) instance.stored.count(caller.client, key, row.record.length, idleLifetime)
    if (caller.note) noteSession(caller.note, session)
    return session
  }

  async post(input: PostInput): Promise<Reply> {
    const { caller, sessionId, messages, batch } = input
    // `initialized` does not extend the session: a client that leaves after its handshake leaves nothing behind for long.
    const first = messages[0]
    const handshake =
      !batch && first?.kind === 'notification' && first.notification.method === 'notifications/initialized'
    const session = await this.#open(caller, sessionId, !handshake)
    if (!session || session.legacy) throw sessionNotFound(first?.kind === 'request' ? first.request.id : undefined)
    if (batch && !features(session.revision).batches) {
      const message = `Only 2025-03-26 has batches; this session has ${session.revision}. Send one message per POST.`
      throw new Refusal(400, ErrorCode.InvalidRequest, message)
    }
    input.admit?.(session)
    return this.#handle(session, input)
  }

  async #handle(session: Session, { caller, messages, batch, streams }: PostInput): Promise<Reply> {
    const requests: JsonRpcRequest[] = []
    const others: Promise<void>[] = []
    for (const message of messages) {
      if (message.kind === 'request') requests.push(message.request)
      else others.push(this.#take(session, message, caller))
    }
    if (others.length > 0) await Promise.all(others)
    if (requests.length === 0) return EMPTY_202
    if (session.busy) await recount(this.#instance, session)
    return new Exchange(this.#host, session, caller, { streams: streams && this.#mayLog(session, caller), batch }).run(
      requests,
    )
  }

  /**
   * False where the store has no room for further logs, or none for this session or client: its calls then go on as those of a
   * client that takes JSON alone. Their responses are JSON, and nothing is sent before them.
   */
  #mayLog(session: Session, { client }: Caller): boolean {
    const { store, stored } = this.#instance
    if (session.full) this.#instance.track(store.relieve(session.key))
    return !store.nearlyFull() && !session.full && !stored.over(client)
  }

  /**
   * Handles a notification or a response. When this resolves, the message is stored or done and may be acknowledged.
   */
  async #take(session: Session, message: Exclude<Message, { kind: 'request' }>, caller: Caller): Promise<void> {
    if (message.kind === 'response') {
      const { response } = message
      const { id } = response
      if (typeof id === 'string') await takeAnswer(this.#host, session, caller, { ...response, id })
      return
    }
    const { method, params } = message.notification
    if (method !== 'notifications/cancelled') return this.#host.hear(session, caller, message.notification)
    const { requestId, reason } = params ?? {}
    if (!isRequestId(requestId)) return
    await cancelCall(
      this.#instance,
      session,
      requestId,
      typeof reason === 'string' ? shown(reason, MAX_REASON) : undefined,
    )
  }

  /** `require` throws where the caller's token lacks scopes of the calls whose streams are resumed. */
  async get(caller: Caller, sessionId: string, lastEventId: string | undefined, require: Require): Promise<Reply> {
    const instance = this.#instance
    instance.admitStream()
    const session = await this.#open(caller, sessionId)
    if (!session || session.legacy) throw sessionNotFound()
    const isNew = lastEventId === undefined || lastEventId === ''
    const opening = streamsOfGet().then(({ openGetStream, resume }) =>
      isNew ? openGetStream(this.#host, session, caller) : resume(this.#host, session, caller, lastEventId, require),
    )
    return instance.during(opening)
  }

  /** DELETE: when this resolves, no instance serves a later request of the session. */
  async delete(caller: Caller, sessionId: string): Promise<Reply> {
    if (!(await this.#end(sessionKey(caller.principal, sessionId), caller))) throw sessionNotFound()
    return { kind: 'empty', status: 204 }
  }

  async #end(key: string, caller: Caller): Promise<boolean> {
    const heard = channels.session.hasSubscribers
    const publishEnd = heard ? await (await sessionEvents()).endingOf(this.#instance, key, caller) : undefined
    const ended = await this.#store.deleteSession(key, this.#owner(caller))
    const { tasks } = this.#host
    // Also of a session that is gone: the instance that ended it may have been lost before it did this.
    this.#instance.stored.ended(caller.client, key)
    if (tasks?.dispatcher.tasks) {
      const end = async () => (await tasks.engine.load()).endSession(key, caller)
      void this.#instance.track(this.#instance.retry.now(end))
    }
    if (ended.status === 'gone') return false
    for (const to of [...ended.holders, ...ended.owners]) void this.#instance.send({ t: 'gone', to })
    if (ended.status !== 'ok') return false
    publishEnd?.()
    return true
  }

  // HTTP+SSE, 2024-11-05 -----------------------------------------------------------------------------------------

  /** `GET /sse`: opens a session whose only stream is this response. `addressOf` makes the address for its POSTs. */
  async openLegacy(caller: Caller, addressOf: (sessionId: string) => string): Promise<Reply> {
    this.#instance.admitStream()
    const described = { revision: '2024-11-05', client: { capabilities: {}, info: undefined } } as const
    const session = await this.#create(caller, described, true)
    const first = sseEvent('endpoint', addressOf(session.id))
    const onClosed = () => {
      this.#end(session.key, caller).catch((error) => this.#instance.report(error))
    }
    return this.#instance.during(
      streamsOfGet().then(({ openLegacyStream }) => openLegacyStream(this.#host, session, caller, first, onClosed)),
    )
  }

  /**
   * `POST /messages`: 202 once the message is accepted. Responses and notifications are sent on the session's stream.
   */
  async postLegacy(caller: Caller, sessionId: string, message: Message, admit: Admit): Promise<Reply> {
    // The heartbeats of the stream extend the session. Without heartbeats, its POSTs do.
    const session = await this.#open(caller, sessionId, this.#instance.options.heartbeat <= 0)
    if (!session?.legacy) throw sessionNotFound()
    admit?.(session)
    if (message.kind !== 'request') {
      await this.#take(session, message, caller)
      return EMPTY_202
    }
    // The response goes by way of the log of the session's stream.
    requireRoom(this.#instance, caller.client, message.request.id)
    if (message.request.method === 'initialize') {
      Object.assign(session, readInitialize(message.request))
      const record = recordOf(session, message.request)
      const { status } = await this.#store.replaceRecord(session.key, record)
      if (status === 'gone') throw sessionNotFound()
      const { id } = message.request
      const text = resultText(id, this.#introduce(session.revision))
      // The store keeps the name for a while, which the client chooses.
      await relayTo(this.#instance, session, caller, text, `init.${digest(typedId(id), 12)}`)
      return EMPTY_202
    }
    await this.#instance.attend()
    if (session.busy) await recount(this.#instance, session)
    const continued = relayed(session, message.request, (data, id) =>
      relayTo(this.#instance, session, caller, data, id),
    )
    const { request } = message
    new Call({ host: this.#host, session, request, caller, carrier: continuedCarrier, continued }).start()
    return EMPTY_202
  }
}
