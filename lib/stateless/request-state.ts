/**
 * `requestState`: the state of a call that the client sends back with its answers. The state is sealed, so that the
 * client can neither read nor change it. It is bound to principal, method, name and arguments, so that no other request
 * can use it. It expires.
 */
import { type Clock, WALL_TOLERANCE } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Sealer } from '../base/sealing.ts'
import type { FormerTrace } from '../base/tracing.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { readFormer } from '../protocol/trace-context.ts'
import { canonical } from '../runtime/ask-digest.ts'
import type { HandlerStep } from '../server/context/client-channel.ts'
import type { StatelessOptions } from '../settings.ts'
import type { ParkedAt } from './parking/retry.ts'

interface Answer {
  /** The digest of the ask that this answers. */
  ask: string
  result: JsonObject
}

/** Keys and names come from the author of the server and may be any string. */
export interface CallState {
  /** Random, the same in every round of one call. */
  id: string
  /** When the call began, ms since 1970. */
  born: number
  /** The answers so far, by key. */
  answers: Map<string, Answer>
  /** The digests of the asks of the last round, by key. */
  asked: Map<string, string>
  /** The results of `ctx.once`, by name. */
  kept: Map<string, unknown>
  /** The run that waits for the answers. Undefined: the handler runs again with them. */
  parked?: ParkedAt | undefined
  /** Of the first run, where it was traced. */
  trace?: FormerTrace | undefined
  /** Of the handler of a durable tool. */
  version?: string | undefined
  /** What the run of this round has said, in development. */
  steps?: readonly HandlerStep[] | undefined
}

interface Sealed extends Pick<CallState, 'born' | 'id'> {
  /** 2: with `parked`. Builds that do not know it must not run the handler again. */
  v: 1 | 2
  /** When the state expires, ms since 1970. */
  until: number
  answers: Record<string, Answer>
  asked: Record<string, string>
  kept: Record<string, unknown>
  parked?: ParkedAt | undefined
  trace?: FormerTrace | undefined
  version?: string | undefined
  steps?: readonly HandlerStep[] | undefined
}

/** The text that a state is bound to: all parts of the request that are the same in its retry. */
export function bindingOf(principal: string, { method, params = {} }: JsonRpcRequest): string {
  const { _meta, inputResponses, requestState, ...salient } = params
  return canonical([principal, method, salient])
}

export class StateBox {
  readonly #sealer: Sealer
  readonly #clock: Clock
  readonly #options: StatelessOptions

  constructor(sealer: Sealer, clock: Clock, options: StatelessOptions) {
    this.#sealer = sealer
    this.#clock = clock
    this.#options = options
  }

  /** Makes the state of a new call. */
  create(): CallState {
    return { id: randomId(12), born: this.#clock.wall(), answers: new Map(), asked: new Map(), kept: new Map() }
  }

  /** @throws ProtocolError -32603 if the sealed state is longer than `maxState` */
  seal(state: CallState, binding: string): string {
    const sealed: Sealed = {
      v: state.parked ? 2 : 1,
      until: Math.min(this.#clock.wall() + this.#options.stateLifetime, state.born + this.#options.callLifetime),
      born: state.born,
      id: state.id,
      answers: Object.fromEntries(state.answers),
      asked: Object.fromEntries(state.asked),
      kept: Object.fromEntries(state.kept),
      parked: state.parked,
      trace: state.trace,
      version: state.version,
      steps: state.steps,
    }
    const text = this.#sealer.seal(JSON.stringify(sealed), binding)
    if (text.length > this.#options.maxState) {
      const message = `The answers and the results of ctx.once are over ${this.#options.maxState} bytes.`
      throw new ProtocolError(ErrorCode.InternalError, message)
    }
    return text
  }

  /** @throws ProtocolError -32602; the message gives no reason, so that a forger learns nothing */
  open(text: unknown, binding: string): CallState {
    const opened =
      typeof text === 'string' && text.length <= this.#options.maxState ? this.#sealer.open(text, binding) : undefined
    const state = opened === undefined ? undefined : (JSON.parse(opened) as Sealed)
    if ((state?.v !== 1 && state?.v !== 2) || !this.#isValidNow(state)) {
      throw new ProtocolError(ErrorCode.InvalidParams, 'requestState is not valid for this request.')
    }
    const [answers, asked] = [new Map(Object.entries(state.answers)), new Map(Object.entries(state.asked))]
    const { id, born, kept, parked, version, steps } = state
    const trace = readFormer(state.trace)
    return { id, born, answers, asked, kept: new Map(Object.entries(kept)), parked, trace, version, steps }
  }

  /** A state from the future would be valid for longer than what `ctx.once` with `single` remembers of its call. */
  #isValidNow({ born, until }: Sealed): boolean {
    const now = this.#clock.wall()
    return until + WALL_TOLERANCE >= now && born - WALL_TOLERANCE <= now
  }
}
