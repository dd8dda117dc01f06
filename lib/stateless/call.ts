/**
 * One run of one stateless request. What the handler asks is answered from the retry's `inputResponses` and the sealed
 * state; what is not answered yet ends the run with `input_required`, and the retry replays the handler.
 */
import { digest, randomId } from '../base/ids.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, RequestId } from '../protocol/jsonrpc.ts'
import { isObject, notificationText } from '../protocol/jsonrpc.ts'
import { type Revision, STATELESS_REVISION } from '../protocol/revisions.ts'
import type { LoggingLevel } from '../protocol/types.ts'
import { compareLevels } from '../protocol/types.ts'
import { isAnswer } from '../server/context/answers.ts'
import type { Announcer, Ask, ClientChannel, ClientView, RequestInfo } from '../server/context/client-channel.ts'
import { AskPending } from '../server/context/errors.ts'
import type { Handles, KeyValues, ValueStore } from '../store/values.ts'
import { handleValues, userValues } from '../store/values.ts'
import type { Envelope } from './envelope.ts'
import type { Run } from './exchange.ts'
import type { CallState, StateBox } from './request-state.ts'
import { askDigest, bindingOf } from './request-state.ts'

/** What the calls of an endpoint share. */
export interface StatelessHost {
  store: ValueStore
  announce: Announcer
  states: StateBox
  /** Asks of one round. */
  maxAsks: number
  /** How long `{ single: true }` remembers, in ms. */
  singleLifetime: number
}

/** What a run is told of its request. */
export interface RunInput {
  request: JsonRpcRequest
  envelope: Envelope
  principal: string
  auth: AuthInfo | undefined
  info: RequestInfo
  /** Sends a message before the result; absent where the client takes JSON alone. */
  say: ((text: string) => void) | undefined
}

const REPLAYED = new Set(['tools/call', 'prompts/get', 'resources/read'])

export class StatelessCall implements ClientChannel, Run {
  readonly #host: StatelessHost
  readonly #input: RunInput
  readonly #responses: JsonObject
  readonly #binding: string | undefined
  #state: CallState | undefined
  #pending: Map<string, JsonObject> | undefined
  #asked: Map<string, string> | undefined
  #abort: AbortController | undefined
  /** What `once` does in this run, by name: twice in one turn is once. */
  #once: Map<string, Promise<unknown>> | undefined
  #over = false

  /** @throws ProtocolError -32602 for a state that is not valid, or responses that are no object */
  constructor(host: StatelessHost, input: RunInput) {
    this.#host = host
    this.#input = input
    const { inputResponses, requestState } = input.request.params ?? {}
    if (inputResponses !== undefined && !isObject(inputResponses)) {
      throw new ProtocolError(ErrorCode.InvalidParams, '"inputResponses" must be an object of answers by key.')
    }
    this.#responses = inputResponses ?? {}
    if (!REPLAYED.has(input.request.method)) return
    this.#binding = requestState === undefined ? undefined : bindingOf(input.principal, input.request)
    if (this.#binding !== undefined) this.#state = host.states.open(requestState, this.#binding)
  }

  // What the handler sees ---------------------------------------------------------------------------------------

  get revision(): Revision {
    return STATELESS_REVISION
  }
  get client(): ClientView {
    return { info: this.#input.envelope.info, capabilities: this.#input.envelope.capabilities }
  }
  get requestId(): RequestId {
    return this.#input.request.id
  }
  get auth() {
    return this.#input.auth
  }
  get request() {
    return this.#input.info
  }
  get announce() {
    return this.#host.announce
  }
  get session(): undefined {
    return undefined
  }
  get user(): KeyValues {
    return userValues(this.#host.store, this.#input.principal)
  }
  get handles(): Handles {
    return handleValues(this.#host.store, this.#input.principal)
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#over && !this.#abort.signal.aborted) this.#abort.abort()
    return this.#abort.signal
  }

  /** Nothing is logged for a request that named no level. */
  wants(level: LoggingLevel): boolean {
    const { logLevel } = this.#input.envelope
    return logLevel !== undefined && compareLevels(level, logLevel) >= 0
  }

  notify(method: string, params: JsonObject): Promise<void> {
    if (!this.#over) this.#input.say?.(notificationText(method, params))
    return Promise.resolve()
  }

  ask({ key, method, params }: Ask): Promise<JsonObject> {
    const { request } = this.#input
    if (!REPLAYED.has(request.method)) {
      const message = `${request.method} cannot ask the client in ${STATELESS_REVISION}.`
      return Promise.reject(new ProtocolError(ErrorCode.InternalError, message))
    }
    const ask = askDigest(method, params)
    const answer = this.#answerTo(key, ask, method)
    if (answer) return Promise.resolve(answer)
    this.#pending ??= new Map()
    if (this.#pending.size >= this.#host.maxAsks) {
      return Promise.reject(new RangeError(`A call may ask the client ${this.#host.maxAsks} times.`))
    }
    this.#pending.set(key, params === undefined ? { method } : { method, params })
    this.#asked ??= new Map()
    this.#asked.set(key, ask)
    return Promise.reject(new AskPending(key))
  }

  #answerTo(key: string, ask: string, method: Ask['method']): JsonObject | undefined {
    const earlier = this.#state?.answers.get(key)
    // The same key with another question is another ask.
    if (earlier?.ask === ask) return earlier.result
    const response = Object.hasOwn(this.#responses, key) ? this.#responses[key] : undefined
    const asked = this.#state?.asked.get(key)
    if (!isAnswer(method, response) || (asked !== undefined && asked !== ask)) return undefined
    this.#state ??= this.#host.states.create()
    this.#state.answers.set(key, { ask, result: response })
    return response
  }

  once<T>(name: string, fn: () => T | Promise<T>, options: { single?: boolean } = {}): Promise<T> {
    this.#once ??= new Map()
    const running = (this.#once.get(name) as Promise<T> | undefined) ?? this.#keep(name, fn, options)
    this.#once.set(name, running)
    return running
  }

  async #keep<T>(name: string, fn: () => T | Promise<T>, options: { single?: boolean }): Promise<T> {
    const known = this.#state
    if (known?.kept.has(name)) return known.kept.get(name) as T
    const value = options.single && known ? await this.#single(known, name, fn) : await fn()
    this.#state ??= this.#host.states.create()
    this.#state.kept.set(name, value ?? null)
    return value
  }

  /** The client may send one state twice: the store remembers who was first, and what came of it. */
  async #single<T>(state: CallState, name: string, fn: () => T | Promise<T>): Promise<T> {
    const { store, singleLifetime } = this.#host
    const id = digest(`${this.#input.principal}\n${state.id}\n${name}`, 16)
    const { status } = await store.addValue(
      'used',
      id,
      `by ${String(this.#input.request.id)} ${randomId(6)}`,
      singleLifetime,
    )
    if (status === 'taken') {
      const kept = await store.getValue('used', id)
      if (kept?.startsWith('=')) return JSON.parse(kept.slice(1)) as T
      throw new ProtocolError(
        ErrorCode.InvalidParams,
        `"${name}" is being done by another request with the same state.`,
      )
    }
    try {
      const value = await fn()
      await store.setValue('used', id, `=${JSON.stringify(value ?? null)}`, singleLifetime)
      return value
    } catch (error) {
      await store.deleteValue('used', id)
      throw error
    }
  }

  closeStream(): void {}

  // How it ends -------------------------------------------------------------------------------------------------

  /** What the run has left open: the result is then `input_required`, whatever the handler made of it. */
  get pending(): boolean {
    return this.#pending !== undefined
  }

  /** The `input_required` result. */
  inputRequired(): JsonObject {
    const state = this.#state ?? this.#host.states.create()
    state.asked = this.#asked ?? new Map()
    const binding = this.#binding ?? bindingOf(this.#input.principal, this.#input.request)
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(this.#pending ?? []),
      requestState: this.#host.states.seal(state, binding),
      _meta: {},
    }
  }

  /** Nothing more is said. `cancelled`: the client has gone, or the instance must. */
  end(cancelled?: string): void {
    this.#over = true
    if (cancelled !== undefined) this.#abort?.abort(new DOMException(cancelled, 'AbortError'))
  }
}
