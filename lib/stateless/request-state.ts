/**
 * `requestState`: what a call carries from one round of asks to the next, in the client's hands. Sealed, so that the
 * client can neither read nor change it; bound to principal, method, name and arguments, so that it is worth nothing
 * anywhere else; and it ends by itself.
 */
import type { Clock } from '../base/clock.ts'
import { digest, randomId } from '../base/ids.ts'
import type { Sealer } from '../base/sealing.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import type { StatelessOptions } from '../settings.ts'

interface Answer {
  /** The digest of the ask that it answers. */
  ask: string
  result: JsonObject
}

/** Keys and names are the author's: any string. */
export interface CallState {
  /** Random, the same in every round of one call. */
  id: string
  /** When the call began, ms since 1970. */
  born: number
  /** Answers by key. */
  answers: Map<string, Answer>
  /** The asks that went out last, by key: their digests. */
  asked: Map<string, string>
  /** What `ctx.once` kept, by name. */
  kept: Map<string, unknown>
}

interface Sealed {
  v: 1
  /** When it ends, ms since 1970. */
  until: number
  born: number
  id: string
  answers: Record<string, Answer>
  asked: Record<string, string>
  kept: Record<string, unknown>
}

/** Objects with their keys in order, so that the same value has one text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  // JSON has numbers that are none here: 1e400 is not null.
  if (typeof value === 'number') return String(value)
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value).sort()
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
}

export function askDigest(method: string, params: JsonObject | undefined): string {
  return digest(`${method}\n${canonical(params ?? {})}`, 12)
}

/** What a state is bound to: everything of the request that stays the same in its retry. */
export function bindingOf(principal: string, { method, params = {} }: JsonRpcRequest): string {
  const { _meta, inputResponses, requestState, ...salient } = params
  return canonical([principal, method, salient])
}

function mapOf<T>(members: Record<string, T>): Map<string, T> {
  return new Map(Object.entries(members))
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

  /** The state of a call that begins. */
  create(): CallState {
    return { id: randomId(12), born: this.#clock.now(), answers: new Map(), asked: new Map(), kept: new Map() }
  }

  /** @throws ProtocolError -32603 if the state would be over its bound */
  seal(state: CallState, binding: string): string {
    const sealed: Sealed = {
      v: 1,
      until: Math.min(this.#clock.now() + this.#options.stateLifetime, state.born + this.#options.callLifetime),
      born: state.born,
      id: state.id,
      answers: Object.fromEntries(state.answers),
      asked: Object.fromEntries(state.asked),
      kept: Object.fromEntries(state.kept),
    }
    const text = this.#sealer.seal(JSON.stringify(sealed), binding)
    if (text.length > this.#options.maxState) {
      const message = `The answers and kept values of this call are over ${this.#options.maxState} bytes.`
      throw new ProtocolError(ErrorCode.InternalError, message)
    }
    return text
  }

  /** @throws ProtocolError -32602, without a word about why */
  open(text: unknown, binding: string): CallState {
    const opened =
      typeof text === 'string' && text.length <= this.#options.maxState ? this.#sealer.open(text, binding) : undefined
    const state = opened === undefined ? undefined : (JSON.parse(opened) as Sealed)
    if (state?.v !== 1 || state.until < this.#clock.now()) {
      throw new ProtocolError(ErrorCode.InvalidParams, 'requestState is not valid for this request.')
    }
    const { id, born, answers, asked, kept } = state
    return { id, born, answers: mapOf(answers), asked: mapOf(asked), kept: mapOf(kept) }
  }
}
