/**
 * One instance of a server of the official SDK: one transport, and the calls that run in it. Handlers are called directly, with the
 * `extra` or `ctx` of their call, where the release allows that; lists go through the SDK's protocol, which completes them.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { handled } from '../base/promises.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../protocol/jsonrpc.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import type { Heard } from '../server/context/heard.ts'
import type { Announcement } from '../server/registry/announcement.ts'
import type { SessionKey } from '../store/store.ts'
import { OfficialCall } from './call.ts'
import { contextOf, extraOf, messageExtra } from './extra.ts'
import { Hearing } from './hearing.ts'
import { LISTS, OfficialLists } from './lists.ts'
import { hearNotification, notificationMethods, ROOTS_CHANGED } from './notifications.ts'
import { own } from './own-params.ts'
import type { Policies } from './policies.ts'
import * as sdk from './private.ts'
import { failureFor, NOT_KEPT, resultFor } from './results.ts'
import { type Calls, OfficialTransport } from './transport.ts'

/** The parts that all instances of one server share. */
export interface InstanceParts {
  /** The call in whose async context code runs, of any instance. */
  running: AsyncLocalStorage<OfficialCall>
  policies: Policies
  strict: boolean
  /** The instance has one client, which initializes it. */
  ownsClient: boolean
  askedByContext(method: string): void
  announce(change: Announcement): void
  /** Announces that the user is done with a page. */
  completed(elicitationId: string): Promise<unknown>
  /** Sends a notification on the own stream of a session. */
  sendToSession(key: SessionKey, method: string, params: JsonObject): Promise<void>
  report(error: Error): void
}

interface Waiting {
  resolve(result: JsonObject): void
  reject(error: Error): void
}

export class OfficialInstance implements Calls {
  readonly #parts: InstanceParts
  readonly #server: sdk.LowLevel
  readonly #line: sdk.Line
  readonly #direct: sdk.DirectCalls | undefined
  readonly #lists: OfficialLists
  readonly #hearing: Hearing
  readonly #calls = new Map<string, OfficialCall>()
  /** The requests that go through the transport. */
  readonly #waiting = new Map<string, Waiting>()
  #transport: OfficialTransport | undefined
  #connecting: Promise<void> | undefined
  #introduced: Promise<void> | undefined
  /** The session of the one client. */
  #session: SessionKey | undefined
  #ids = 0

  /** @param made what the author made: an `McpServer`, or the low-level server itself */
  constructor(made: object, server: sdk.LowLevel, parts: InstanceParts) {
    this.#parts = parts
    this.#server = server
    this.#line = sdk.lineOf(server)
    this.#direct = sdk.directCalls(server)
    this.#lists = new OfficialLists({
      policies: parts.policies,
      handlerOf: (method) => this.#direct?.handler(method),
      isSame: (method) => sdk.listsRegistrations(made, method),
      hintOf: (method) => this.#hintOf(method),
    })
    this.#hearing = new Hearing({
      methods: () => notificationMethods(server),
      deliver: ({ method, params }) =>
        hearNotification(server, method, () => {
          this.#transport?.onmessage?.({ jsonrpc: '2.0', method, ...(params && { params }) })
        }),
    })
    sdk.followCaller(server, this.#line, () => this.current()?.client)
  }

  /** No call runs in it. */
  get idle(): boolean {
    return this.#calls.size === 0
  }

  /** Connects the server, once. A server that its author closed is connected again. */
  async connect(): Promise<void> {
    if (this.#transport?.closed === false) return this.#connecting
    const { completed, report, strict } = this.#parts
    this.#transport = new OfficialTransport({ calls: this, completed, report, strict })
    this.#connecting = this.#server.connect(this.#transport)
    try {
      await this.#connecting
    } catch (error) {
      this.#transport = undefined
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  close(): Promise<void> {
    return handled(this.#server.close())
  }

  /**
   * Answers a request.
   *
   * @param mayReplay the handler may run again from its start
   */
  serve(
    method: string,
    params: JsonObject | undefined,
    channel: ClientChannel,
    mayReplay: boolean,
  ): Result | Promise<Result> {
    const run = () =>
      this.#run(new OfficialCall(this, `call-${++this.#ids}`, channel, method, own(method, params), mayReplay))
    if (!Object.hasOwn(LISTS, method)) {
      if (method === 'logging/setLevel') return this.#setLevel(run(), channel)
      return run().then((result) => resultFor(method, result, channel.revision, this.#hintOf(method)))
    }
    return this.#lists.list(method, params, channel, async () => {
      const result = await run()
      return isObject(result) ? result : {}
    })
  }

  async #setLevel(answer: Promise<unknown>, { sessionId }: ClientChannel): Promise<Result> {
    const result = await answer.finally(() => sdk.forgetLevel(this.#server, sessionId))
    return isObject(result) ? result : {}
  }

  async #run(call: OfficialCall): Promise<unknown> {
    this.#calls.set(call.id, call)
    try {
      return await this.#parts.running.run(call, () => this.#ready(call) ?? this.#handle(call))
    } catch (error) {
      throw failureFor(error)
    } finally {
      if (call.givenUp) await Promise.allSettled(call.givenUp)
      call.over = true
      this.#calls.delete(call.id)
    }
  }

  /** Undefined: the server is connected, and knows its client where it has one alone. */
  #ready(call: OfficialCall): Promise<unknown> | undefined {
    const { ownsClient } = this.#parts
    const isConnected = this.#transport?.closed === false && this.#connecting === undefined
    if (isConnected && (!ownsClient || this.#introduced)) {
      return ownsClient ? this.#introduced?.then(() => this.#handleHeard(call)) : undefined
    }
    return this.connect().then(() => (ownsClient ? this.#handleIntroduced(call) : this.#handle(call)))
  }

  /** The instance knows its client before the handler runs. A call that is cancelled meanwhile leaves that to the next one. */
  #handleIntroduced(call: OfficialCall): Promise<unknown> {
    let isOwn = false
    if (!this.#introduced) {
      isOwn = true
      this.#introduced = this.#introduce(call)
      this.#introduced.catch(() => {
        this.#introduced = undefined
      })
    }
    return this.#introduced.then(
      () => this.#handleHeard(call),
      (error) => {
        if (isOwn) throw error
        return this.#handleIntroduced(call)
      },
    )
  }

  /** The instance has what its client sent to other processes before the handler runs. */
  #handleHeard(call: OfficialCall): unknown {
    const heard = this.#hearing.before(call.channel)
    if (!heard) return this.#handle(call)
    // What another call was to ask for, and could not since it was cancelled, is for this one.
    return heard.then(() => (call.channel.signal.aborted ? this.#handle(call) : this.#handleHeard(call)))
  }

  /**
   * Takes a notification of a client: at once, in the context of a call of its session that runs here. Without one, changed roots
   * wait for the next call: the handler asks for them.
   */
  hear(heard: Heard, sessionId: string): void {
    const { ownsClient, running } = this.#parts
    const call = [...this.#calls.values()].findLast(({ channel }) => channel.sessionId === sessionId)
    if (ownsClient && (!this.#introduced || (!call && heard.method === ROOTS_CHANGED))) return
    const deliver = () => this.#hearing.now(heard, () => call?.over === true)
    handled(call ? running.run(call, deliver) : deliver())
  }

  #handle(call: OfficialCall): unknown {
    const direct = this.#direct
    if (!direct || Object.hasOwn(LISTS, call.method))
      return this.#throughTransport(call, call.method, call.params, call.id)
    const handler = direct.handler(call.method)
    if (!handler) throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${call.method}".`)
    const extra = this.#line === 1 ? extraOf(call, this.#server) : contextOf(call, this.#server, direct)
    const { id, method, params } = call
    return handler({ jsonrpc: '2.0', id, method, ...(params && { params }) }, extra)
  }

  /** Sends a request as a client does. */
  #throughTransport(
    call: OfficialCall,
    method: string,
    params: JsonObject | undefined,
    id: string,
  ): Promise<JsonObject> {
    const { signal } = call.channel
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    const cancel = () => {
      const reason = String(signal.reason)
      this.#transport?.onmessage?.({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: id, reason },
      })
      reject(new DOMException('The call has ended.', 'AbortError'))
    }
    this.#waiting.set(id, { resolve, reject })
    signal.addEventListener('abort', cancel, { once: true })
    this.#transport?.onmessage?.({ jsonrpc: '2.0', id, method, ...(params && { params }) }, messageExtra(call))
    return promise.finally(() => {
      signal.removeEventListener('abort', cancel)
      this.#waiting.delete(id)
    })
  }

  /** Has the client of `call` initialize the server. The author's `oninitialized` has ended when this resolves. */
  async #introduce(call: OfficialCall): Promise<void> {
    this.#session = call.channel.sessionKey
    const { capabilities, info, version } = call.client
    const clientInfo = info ?? { name: '', version: '' }
    const params = { protocolVersion: version, capabilities, clientInfo }
    await this.#throughTransport(call, 'initialize', params, `${call.id}-initialize`)
    const { oninitialized } = this.#server
    if (typeof oninitialized !== 'function') return
    let done: unknown
    this.#server.oninitialized = () => {
      done = Reflect.apply(oninitialized, this.#server, [])
      return done
    }
    this.#transport?.onmessage?.({ jsonrpc: '2.0', method: 'notifications/initialized' })
    // The SDK calls it in this turn, unless the author has replaced its handler.
    await new Promise((resolve) => setImmediate(resolve))
    this.#server.oninitialized = oninitialized
    // Its error is its own: the SDK has reported it to `onerror`.
    await Promise.resolve(done).catch(() => {})
    call.channel.signal.throwIfAborted()
  }

  #hintOf(method: string): JsonObject {
    return sdk.ownCacheHint(this.#server, method) ?? NOT_KEPT
  }

  // For the transport -----------------------------------------------------------------------------------------------

  byId(id: string): OfficialCall | undefined {
    return this.#calls.get(id)
  }

  current(): OfficialCall | undefined {
    const call = this.#parts.running.getStore()
    return call?.instance === this ? call : undefined
  }

  answered(id: string, { result, error }: JsonObject): void {
    const waiting = this.#waiting.get(id)
    if (isObject(result)) return waiting?.resolve(result)
    const { code, message, data } = isObject(error) ? error : {}
    const number = typeof code === 'number' ? code : ErrorCode.InternalError
    waiting?.reject(new ProtocolError(number, String(message ?? 'The server gave no result.'), data))
  }

  outside(method: string, params: JsonObject): Promise<void> | undefined {
    // Progress belongs to a request.
    if (this.#session === undefined || method === 'notifications/progress') return undefined
    return this.#parts.sendToSession(this.#session, method, params)
  }

  askedByContext(method: string): void {
    this.#parts.askedByContext(method)
  }

  announce(change: Announcement): void {
    this.#lists.changed()
    this.#parts.announce(change)
  }
}
