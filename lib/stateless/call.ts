/**
 * A run of a stateless request. The handler's asks are answered from the retry's `inputResponses` and from the
 * sealed state. An ask without an answer ends the run with `input_required`, and the retry runs the handler again.
 */
import { digest } from '../base/ids.ts'
import { toJson } from '../base/to-json.ts'
import { type FormerTrace, formerTrace } from '../base/tracing.ts'
import { ErrorCode, invalidParams, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { MethodTable } from '../protocol/methods.ts'
import { type Revision, STATELESS_REVISION } from '../protocol/revisions.ts'
import { compareLevels, isLoggingLevel, type LoggingLevel } from '../protocol/types.ts'
import { askDigest } from '../runtime/ask-digest.ts'
import type { Caller } from '../runtime/caller.ts'
import type { SharedParts } from '../runtime/handler-channel.ts'
import { otherVersion, versionWarning } from '../runtime/other-version.ts'
import { readAnswer } from '../server/context/answers.ts'
import type { Ask, ClientView, HandlerStep } from '../server/context/client-channel.ts'
import { AskPending } from '../server/context/errors.ts'
import type { Store } from '../store/store.ts'
import type { NewTask } from '../store/tasks.ts'
import type { OpenTasks } from '../tasks/open.ts'
import type { Envelope } from './envelope.ts'
import type { SendMessage } from './parking/leg.ts'
import { requestOf } from './parking/open-asks.ts'
import type { ParkedRun } from './parking/parked-run.ts'
import type { AskingCall, FirstExchange, Parking } from './parking/parking.ts'
import type { ParkedAt, Retry } from './parking/retry.ts'
import { bindingOf, type CallState, type StateBox } from './request-state.ts'
import { Run } from './run.ts'
import { runSingle, type SingleParts } from './single.ts'

/** The parts that all stateless calls of an endpoint share. */
export interface StatelessHost extends SharedParts, SingleParts {
  store: Store
  methods: MethodTable
  states: StateBox
  /** The most asks of one round. */
  maxAsks: number
  /** The version of the handler of a durable tool. */
  versionOf(request: JsonRpcRequest): string | undefined
  report(error: unknown): void
  /** The engine of tasks. */
  tasks: OpenTasks
  /** Where handlers must not run again: their runs wait for the answers. Undefined: the server has no such handler. */
  parking: Parking | undefined
}

/** A request with its envelope, its caller, and the function that sends messages to the client. */
interface RunInput {
  request: JsonRpcRequest
  envelope: Envelope
  caller: Caller
  send: SendMessage
  /** The request's exchange. */
  exchange: FirstExchange
}

type Journal = Pick<NewTask, 'answers' | 'results'>

export class StatelessCall extends Run implements AskingCall {
  readonly #host: StatelessHost
  readonly #input: RunInput
  readonly #responses: JsonObject
  readonly #binding: string | undefined
  #state: CallState | undefined
  #pending: Map<string, JsonObject> | undefined
  #asked: Map<string, string> | undefined
  #logLevel: LoggingLevel | undefined
  /** The run, where it waits here for the client. */
  #run: ParkedRun | undefined
  /** The request waits for a run that is parked. */
  #retry: Retry | undefined
  /** The handler may turn the call into a task. */
  mayBecomeTask = false
  /** It has done so. */
  becomesTask = false

  /** @throws ProtocolError -32602 for a state that is not valid, or for `inputResponses` that are not an object */
  constructor(host: StatelessHost, input: RunInput) {
    super(host, input.caller, input.request, input.send)
    this.#host = host
    this.#input = input
    this.#logLevel = input.envelope.logLevel
    const { inputResponses, requestState } = input.request.params ?? {}
    if (inputResponses !== undefined && !isObject(inputResponses)) {
      throw invalidParams('"inputResponses" must be an object of answers by key.')
    }
    this.#responses = inputResponses ?? {}
    if (!this.#mayAsk) return
    this.#binding = requestState === undefined ? undefined : bindingOf(this.principal, input.request)
    if (this.#binding === undefined) return
    this.#state = host.states.open(requestState, this.#binding)
    const changed = otherVersion(this.#state.version, host.versionOf(input.request))
    if (changed !== undefined) host.report(versionWarning(input.request, changed))
  }

  get revision(): Revision {
    return STATELESS_REVISION
  }
  get client(): ClientView {
    return { info: this.#input.envelope.info, capabilities: this.#input.envelope.capabilities }
  }

  /** A method may ask only where the retry can run its handler again. */
  get #mayAsk(): boolean {
    return this.#host.methods.get(this.#input.request.method)?.asks === 'everywhere'
  }

  /** A request without a level in its `_meta` gets no log messages (2026-07-28, "Logging"). */
  wants(level: LoggingLevel): boolean {
    return this.#logLevel !== undefined && compareLevels(level, this.#logLevel) >= 0
  }

  setLevel(level: string | undefined): void {
    this.#logLevel = isLoggingLevel(level) ? level : undefined
  }

  get clientName(): string | undefined {
    return this.#input.caller.client
  }

  get parks(): boolean {
    return this.#host.parking !== undefined
  }

  override get former(): FormerTrace | undefined {
    return this.#state?.trace
  }

  get steps(): readonly HandlerStep[] | undefined {
    return this.#state?.steps
  }
  set steps(steps: readonly HandlerStep[] | undefined) {
    this.#state ??= this.#host.states.create()
    this.#state.steps = steps
  }

  /** The parked run that this request has answers for. */
  get parkedAt(): ParkedAt | undefined {
    return this.#state?.parked
  }

  ask(given: Ask): Promise<JsonObject> {
    const { key, method, params } = given
    const { request } = this.#input
    if (!this.#mayAsk) {
      const message = `${request.method} cannot ask the client in ${STATELESS_REVISION}.`
      return Promise.reject(new ProtocolError(ErrorCode.InternalError, message))
    }
    toJson(params ?? null, 'params')
    const ask = askDigest(method, params)
    const answer = this.#answerTo(key, ask, method)
    if (typeof answer === 'object') return Promise.resolve(answer)
    if (typeof answer === 'string') {
      // An error and no further round: a client that answers so again would be asked for ever.
      return Promise.reject(invalidParams(`inputResponses[${JSON.stringify(key)}], the answer to ${method}: ${answer}`))
    }
    if (given.waits) return this.#wait(given)
    this.#pending ??= new Map()
    if (this.#pending.size >= this.#host.maxAsks) {
      return Promise.reject(new RangeError(`A call may ask the client ${this.#host.maxAsks} times.`))
    }
    this.#pending.set(key, requestOf(given))
    this.#asked ??= new Map()
    this.#asked.set(key, ask)
    return Promise.reject(new AskPending(key))
  }

  /** The handler must not run again: its run waits for the answer. */
  #wait(ask: Ask): Promise<JsonObject> {
    const { parking } = this.#host
    if (!parking) return Promise.reject(new Error(`${ask.method}: no run can wait for its client here.`))
    // Nobody waits for a call that was cancelled.
    if (this.over) return Promise.reject(new DOMException('The call has ended.', 'AbortError'))
    try {
      this.#run ??= parking.park(this, this.#input)
      return this.#run.ask(ask)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Undefined: there is no answer to this ask. A text: there is one, of a wrong shape. */
  #answerTo(key: string, ask: string, method: string): JsonObject | string | undefined {
    const earlier = this.#state?.answers.get(key)
    // An answer counts for one method and params: the same key with other params is another ask.
    if (earlier?.ask === ask) return earlier.result
    if (!Object.hasOwn(this.#responses, key)) return undefined
    const asked = this.#state?.asked.get(key)
    if (asked !== undefined && asked !== ask) return undefined
    const response = readAnswer(method, this.#responses[key])
    if (typeof response === 'string') return response
    this.#state ??= this.#host.states.create()
    this.#state.answers.set(key, { ask, result: response })
    return response
  }

  /** A name with a result from an earlier round returns that result; `fn` does not run. */
  protected override async runOnce<T>(
    name: string,
    fn: () => T | Promise<T>,
    options: { single?: boolean },
  ): Promise<T> {
    const state = this.#state
    if (state?.kept.has(name)) return state.kept.get(name) as T
    const value = options.single && state ? await this.#runSingle(state, name, fn) : await fn()
    toJson(value ?? null, resultOf(name))
    this.#state ??= this.#host.states.create()
    this.#state.kept.set(name, value ?? null)
    return value
  }

  #runSingle<T>(state: CallState, name: string, fn: () => T | Promise<T>): Promise<T> {
    return runSingle(this.#host, digest(`${this.principal}\n${state.id}\n${name}`, 16), name, fn)
  }

  task(): Promise<boolean> {
    if (!this.mayBecomeTask) return Promise.resolve(false)
    this.becomesTask = true
    return Promise.reject(new AskPending('task'))
  }

  /** What the call has so far, for the task that it becomes. `entryOf`: the digest of a key or a name. */
  journal(entryOf: (name: string) => string): Journal {
    const { answers = [], kept = [] } = this.#state ?? {}
    return {
      answers: [...answers].map(([key, { ask, result }]) => ({
        key: entryOf(key),
        ask,
        value: JSON.stringify(result),
      })),
      results: [...kept].map(([name, value]) => ({ name: entryOf(name), value: JSON.stringify(value) })),
    }
  }

  waitFor(retry: Retry): void {
    this.#retry = retry
  }

  askFor(asks: Record<string, JsonObject>, at: ParkedAt): void {
    this.#state ??= this.#host.states.create()
    this.#state.parked = at
    this.#pending = new Map(Object.entries(asks))
  }

  override end(cancelled?: string): void {
    super.end(cancelled)
    this.#run?.callEnded(cancelled)
    this.#retry?.callEnded(cancelled)
  }

  override get pending(): boolean {
    return this.#pending !== undefined
  }

  override inputRequired(): JsonObject {
    const state = this.#state ?? this.#host.states.create()
    state.asked = this.#asked ?? new Map()
    state.trace ??= formerTrace(this.event)
    state.version ??= this.#host.versionOf(this.#input.request)
    const binding = this.#binding ?? bindingOf(this.principal, this.#input.request)
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(this.#pending ?? []),
      requestState: this.#host.states.seal(state, binding),
      _meta: {},
    }
  }
}

function resultOf(name: string): string {
  return `The result of ctx.once("${name}")`
}
