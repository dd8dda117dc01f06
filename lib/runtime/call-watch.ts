/** The events of calls. A call is watched only where somebody listens: otherwise nothing of this is made. */
import { asError } from '../base/errors.ts'
import {
  type CallEvent,
  type CallOutcome,
  type CallStart,
  callsAreHeard,
  channels,
  publish,
  type RequestStart,
} from '../base/events.ts'
import { NotJson } from '../base/to-json.ts'
import { type FormerTrace, tracing } from '../base/tracing.ts'
import { clientName } from '../protocol/client.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import { traceOf } from '../protocol/trace-context.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { MissingCapability } from '../server/context/errors.ts'
import { faultOf } from '../server/context/fault.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { Instance } from './instance.ts'

type Result = JsonObject | RawJson

/** The channel of a call, as its watch uses it. */
export interface WatchedChannel extends ClientChannel {
  watch: CallWatch | undefined
  readonly note: RequestStart | undefined
  readonly sessionKey: string | undefined
  readonly takenOver: boolean
  readonly isWoken: boolean
  /** What is known of the trace of the run before. */
  readonly former: FormerTrace | undefined
  /** Of a run of a task. */
  readonly legOfTask?: Required<Pick<CallStart, 'task' | 'leg' | 'run'>> | undefined
}

/** Hands a request to the author's server. */
export type Dispatch = (
  method: string,
  params: JsonObject | undefined,
  channel: WatchedChannel,
) => Result | Promise<Result>

/** Characters of a name that an event has. */
const MAX_NAME = 200

/** The dispatch of an endpoint, which has each call watched where somebody listens. */
export function watchedDispatch(dispatcher: Pick<Dispatcher, 'dispatch' | 'knows'>, instance: Instance): Dispatch {
  return (method, params, channel) => {
    if (!callsAreHeard()) return dispatcher.dispatch(method, params, channel)
    const watch = new CallWatch(instance, method, params, channel)
    const { kind, name } = watch.event
    if (name !== undefined && kind !== 'resource' && kind && dispatcher.knows?.(kind, name)) watch.event.isKnown = true
    channel.watch = watch
    return watch.run(() => dispatcher.dispatch(method, params, channel))
  }
}

/** The outcome as the run itself has it: `code`, `fault` and `error` are there where it failed. */
type Report = Pick<CallEvent, 'outcome' | 'code' | 'fault' | 'error'>

export class CallWatch {
  readonly event: CallStart
  readonly #instance: Instance
  readonly #began: number
  #report: Report | undefined
  #over = false

  constructor(instance: Instance, method: string, params: JsonObject | undefined, channel: WatchedChannel) {
    const { note, sessionKey, takenOver, revision, requestId, former } = channel
    this.#instance = instance
    this.#began = instance.clock.now()
    const run = !takenOver ? 'first' : channel.isWoken ? 'wake' : 'takeover'
    const event: CallStart = { instance: instance.id, revision, id: requestId, method, run, ...subject(method, params) }
    if (note) event.request = note
    if (sessionKey !== undefined) event.session = sessionKey
    const { info } = channel.client
    if (info) event.client = clientName(info)
    const meta = traceOf(params)
    if (meta) event.meta = meta
    const { traceparent, tracestate } = meta?.traceparent === undefined ? (note ?? {}) : meta
    if (traceparent !== undefined) event.traceparent = traceparent
    if (tracestate !== undefined) event.tracestate = tracestate
    if (former) event.former = former
    if (channel.legOfTask) Object.assign(event, channel.legOfTask)
    this.event = event
  }

  /** Publishes the start, and runs the handler with the stores that listeners have bound to the channel. */
  run(work: () => Result | Promise<Result>): Result | Promise<Result> {
    const traced = tracing.now
    const result = channels['call-start'].runStores(this.event, () => {
      try {
        return traced ? traced.within(this.event, work) : work()
      } catch (error) {
        this.failed(error)
        throw error
      }
    })
    if (!(result instanceof Promise)) {
      this.#returned(result)
      return result
    }
    return result.then(
      (value) => {
        this.#returned(value)
        return value
      },
      (error) => {
        this.failed(error)
        throw error
      },
    )
  }

  #returned(result: Result): void {
    if (this.#report) return
    if (result instanceof RawJson || result.isError !== true) this.#report = { outcome: 'ok' }
    else {
      const { fault, error } = faultOf(result) ?? {}
      this.#report = { outcome: 'tool_error', error: error ?? new Error(textIn(result)) }
      if (fault) this.#report.fault = fault
    }
  }

  /** The response is an error, also where the handler has returned: its result cannot be sent. */
  failed(thrown: unknown): void {
    if (this.#report && this.#report.outcome !== 'ok') return
    const error = asError(thrown)
    if (error instanceof NotJson && this.event.kind === 'tool') {
      this.#report = { outcome: 'tool_error', fault: 'result', error }
      return
    }
    const noted = faultOf(error)
    this.#report = { outcome: 'error', code: codeOf(error), error: noted?.error ?? error }
    if (noted) this.#report.fault = noted.fault
  }

  /** The call has got an error before its handler was done. */
  abandoned(): void {
    this.#report ??= { outcome: 'abandoned' }
  }

  /** The call is over. `outcome`: where that is not for the handler to say. */
  end(outcome?: CallOutcome): void {
    if (this.#over) return
    this.#over = true
    const report = outcome === undefined ? (this.#report ?? { outcome: 'abandoned' as const }) : { outcome }
    const durationMs = this.#instance.clock.now() - this.#began
    const event: CallEvent = Object.assign(this.event, report, { durationMs })
    // The request of a task is answered before, or is that of a poll.
    if (event.request && event.task === undefined) event.request.call ??= event
    if (channels.call.hasSubscribers) publish('call', event)
  }
}

function codeOf(error: Error): number {
  if (error instanceof ProtocolError) return error.code
  return error instanceof MissingCapability ? ErrorCode.MissingClientCapability : ErrorCode.InternalError
}

/** What the request names. */
export function subject(method: string, params: JsonObject | undefined): Pick<CallStart, 'kind' | 'name'> {
  const about = METHODS.get(method)?.about
  const named = about === 'reference' && isObject(params?.ref) ? params.ref : params
  const name = named?.name ?? named?.uri
  if (about === undefined || about === 'subscriptions' || typeof name !== 'string') return {}
  const kind = about !== 'reference' ? about : named?.uri === undefined ? 'prompt' : 'resource'
  return { kind, name: name.slice(0, MAX_NAME) }
}

/** The text of a tool error. */
function textIn({ content }: JsonObject): string {
  const [first]: unknown[] = Array.isArray(content) ? content : []
  return isObject(first) && typeof first.text === 'string' ? first.text : 'The tool returned an error.'
}
