/**
 * A process that serves one client: the requests of that client, and what the process sends for them. Ids and progress tokens are
 * this process's own, so that requests which reach it from several instances do not collide.
 */
import { systemClock } from '../../../../base/clock.ts'
import { textOf } from '../../../../base/errors.ts'
import { handled } from '../../../../base/promises.ts'
import { ErrorCode, ProtocolError } from '../../../../protocol/errors.ts'
import { isObject, isRequestId, type JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { ClientState } from '../../../../sdk/private.ts'
import type { Child } from './child.ts'
import { lostWith, notStarted, STUCK, TOO_LONG } from './errors.ts'
import type { Answer, Receiver } from './receiver.ts'
import { ask, type Running } from './running.ts'
import { idOf, isOfSession, wireParams } from './wire.ts'

interface ProcessParts {
  client: ClientState
  /** Receives what belongs to no request, or to one of several. */
  outside: Receiver
  /** What it asks at its start goes to the client of the first request. Otherwise nobody can be asked then. */
  asksAtStart: boolean
  /** How long it may take to answer `initialize`, in ms. */
  patience: number
}

/** How long the answers to what the process asks at its start are waited for, in ms. */
const FIRST_ASKS = 5_000

export class ServerProcess {
  /** What it says of itself in `initialize`. Resolves when it can take requests. */
  readonly ready: Promise<JsonObject>
  readonly #child: Child
  readonly #parts: ProcessParts
  readonly #running = new Map<number, Running>()
  /** Requests of this endpoint itself. */
  readonly #own = new Map<number, (answer: JsonObject) => void>()
  /** The asks without an answer, by their id at the process. */
  readonly #asks = new Map<unknown, AbortController>()
  #idle: (() => void)[] = []
  #ids = 0
  #capabilities: JsonObject = {}
  #isReady = false
  #hasAsked = false

  constructor(child: Child, parts: ProcessParts) {
    this.#child = child
    this.#parts = parts
    this.ready = handled(this.#open())
    void child.ended.then((how) => this.#end(how))
  }

  async #open(): Promise<JsonObject> {
    const { client, patience } = this.#parts
    const { capabilities, info, version: protocolVersion } = client
    const clientInfo = info ?? { name: '', version: '' }
    const silent = Promise.withResolvers<never>()
    const timer = systemClock.after(patience, () => silent.reject(new Error(`no answer within ${patience} ms`)))
    const answer = await Promise.race([
      this.#ask('initialize', { protocolVersion, capabilities, clientInfo }),
      silent.promise,
    ]).finally(() => timer.cancel())
    if (!isObject(answer.result)) {
      const { message } = isObject(answer.error) ? answer.error : {}
      throw new Error(String(message))
    }
    if (isObject(answer.result.capabilities)) this.#capabilities = answer.result.capabilities
    this.#child.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const late = new Promise<void>((resolve) => void systemClock.after(FIRST_ASKS, resolve))
    await Promise.race([this.#settle(), late])
    this.#isReady = true
    return answer.result
  }

  /**
   * What a server does when it is initialized, such as asking for the roots, comes before the first request: the answer to a
   * `ping` follows what the server sent before it.
   */
  async #settle(): Promise<void> {
    await this.#ask('ping')
    if (!this.#hasAsked) return
    if (this.#asks.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    // What the server does with the answer comes first, too.
    await this.#ask('ping')
  }

  /** A request of this endpoint. Its answer is an error where the process has ended. */
  #ask(method: string, params?: JsonObject): Promise<JsonObject> {
    const id = ++this.#ids
    return new Promise((resolve) => {
      if (this.#child.over) return resolve({ error: { message: ENDED } })
      this.#own.set(id, resolve)
      this.#child.send({ jsonrpc: '2.0', id, method, ...(params && { params }) })
    })
  }

  /**
   * Sends a request of the client once the process is ready.
   *
   * @throws ProtocolError with the error of the process, or where it ends first
   */
  request(
    method: string,
    params: JsonObject | undefined,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const id = ++this.#ids
    const { promise: settled, resolve, reject } = Promise.withResolvers<JsonObject>()
    const meta = isObject(params?._meta) ? params._meta : {}
    this.#running.set(id, { receiver, token: meta.progressToken, resolve, reject, ended: [] })
    let isSent = false
    const cancel = () => {
      if (!this.#running.delete(id)) return
      const params = { requestId: id, reason: textOf(signal.reason) }
      if (isSent) this.#child.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      reject(new DOMException('The call has ended.', 'AbortError'))
    }
    signal.addEventListener('abort', cancel, { once: true })
    const send = async () => {
      await this.ready
      if (!this.#running.has(id)) return
      if (this.#child.isStuck) throw new ProtocolError(ErrorCode.ServerError, STUCK)
      isSent = true
      this.#child.send({ jsonrpc: '2.0', id, method, ...(params && { params: wireParams(method, params, id) }) })
    }
    send().catch((error) => this.#take(id)?.reject(asProtocolError(error)))
    if (signal.aborted) cancel()
    return settled.finally(() => signal.removeEventListener('abort', cancel))
  }

  /** A notification of the client. */
  async notify(method: string, params: JsonObject | undefined): Promise<void> {
    await this.ready
    this.#child.send({ jsonrpc: '2.0', method, ...(params && { params }) })
  }

  /** The session has this log level. A server without log messages does not get it. */
  async setLevel(level: string): Promise<void> {
    await this.ready
    if (this.#capabilities.logging) await this.#ask('logging/setLevel', { level })
  }

  /** The session is subscribed to the resource. A server without subscriptions does not get it. */
  async subscribe(uri: string): Promise<void> {
    await this.ready
    const { resources } = this.#capabilities
    if (!isObject(resources) || !resources.subscribe) return
    await this.#ask('resources/subscribe', { uri })
  }

  #take(id: number): Running | undefined {
    const running = this.#running.get(id)
    this.#running.delete(id)
    return running
  }

  /** It answers no more. Each running request gets the one error that says so. */
  #end(how: string): void {
    for (const [id, resolve] of this.#own) {
      this.#own.delete(id)
      resolve({ error: { message: how } })
    }
    for (const controller of this.#asks.values()) controller.abort(new Error('The process has ended.'))
    this.#asks.clear()
    const text = this.#isReady ? lostWith(`The process of this session ended (${how})`) : notStarted(how)
    this.fail(new ProtocolError(ErrorCode.InternalError, text))
  }

  /** Every running request ends with this error. */
  fail(error: Error): void {
    for (const id of [...this.#running.keys()]) this.#take(id)?.reject(error)
  }

  /** A line was longer than it may be, and was not read. Whose it was is known where one request runs. True: go on. */
  lostLine(): boolean {
    const [only, ...more] = this.#running.keys()
    if (only === undefined) return true
    if (more.length > 0) return false
    this.#take(only)?.reject(new ProtocolError(ErrorCode.InternalError, TOO_LONG))
    return true
  }

  // What the process sends ------------------------------------------------------------------------------------------

  /** Takes a message of the process. Resolves when the next one may follow. */
  receive(message: JsonObject): Promise<void> | undefined {
    const { id, method, params } = message
    const given = isObject(params) ? params : undefined
    if (typeof method !== 'string') {
      this.#answered(message)
      return undefined
    }
    if (id === undefined) return this.#notified(method, given ?? {})
    if (isRequestId(id)) this.#asked(id, method, given)
    return undefined
  }

  #answered({ id, result, error }: JsonObject): void {
    const number = typeof id === 'string' ? Number(id) : (id as number)
    const own = this.#own.get(number)
    this.#own.delete(number)
    if (own) return own({ result, error })
    const running = this.#take(number)
    if (!running) return
    for (const end of running.ended) end()
    if (isObject(result)) return running.resolve(result)
    const { code, message, data } = isObject(error) ? error : {}
    const known = typeof code === 'number' && Number.isSafeInteger(code) ? code : ErrorCode.InternalError
    running.reject(new ProtocolError(known, String(message ?? 'The server gave no result.'), data))
  }

  #asked(id: string | number, method: string, params: JsonObject | undefined): void {
    const meta = isObject(params?._meta) ? params._meta : {}
    const running = this.#runningOf(meta.progressToken)
    const answer = (answered: Answer) => this.#child.send({ jsonrpc: '2.0', id, ...answered })
    if (!METHOD.test(method)) return answer({ error: { code: ErrorCode.MethodNotFound, message: 'No such method.' } })
    // It asks whether its client is there: outside of calls, that is this endpoint.
    if (method === 'ping' && !running) return answer({ result: {} })
    const controller = new AbortController()
    this.#asks.set(id, controller)
    this.#hasAsked = true
    void ask(running, this.#parts.outside, method, params, controller.signal).then((answered) => {
      if (this.#asks.get(id) !== controller) return
      this.#asks.delete(id)
      answer(answered)
      if (this.#asks.size === 0) for (const wake of this.#idle.splice(0)) wake()
    })
  }

  #notified(method: string, params: JsonObject): Promise<void> | undefined {
    switch (method) {
      case 'notifications/cancelled': {
        const controller = this.#asks.get(params.requestId)
        this.#asks.delete(params.requestId)
        controller?.abort(new Error(String(params.reason ?? 'The server no longer waits.')))
        return undefined
      }
      case 'notifications/progress': {
        const running = this.#running.get(idOf(params.progressToken))
        if (running?.token === undefined) return undefined
        return running.receiver.notify(method, { ...params, progressToken: running.token })
      }
      case 'notifications/message':
        return this.#receiver().notify(method, params)
      default:
        // Lists, resources and elicitations are the session's, also where a call has changed them.
        return isOfSession(method)
          ? this.#parts.outside.notify(method, params)
          : this.#receiver().notify(method, params)
    }
  }

  /** The request that a message belongs to: by its token, else the only one that runs. */
  #runningOf(token: unknown): Running | undefined {
    const named = this.#running.get(idOf(token))
    if (named) return named
    if (!this.#isReady && !this.#parts.asksAtStart) return undefined
    const [only, ...more] = this.#running.values()
    return more.length === 0 ? only : undefined
  }

  #receiver(): Receiver {
    return this.#runningOf(undefined)?.receiver ?? this.#parts.outside
  }

  /** The newest request that runs: another way to the same client. */
  get newest(): Receiver | undefined {
    return [...this.#running.values()].at(-1)?.receiver
  }
}

function asProtocolError(error: Error): ProtocolError {
  return error instanceof ProtocolError ? error : new ProtocolError(ErrorCode.InternalError, notStarted(error.message))
}

const ENDED = 'the process has ended'
/** The names of methods, which go into messages as they are. */
const METHOD = /^[\w./$-]{1,200}$/
