/**
 * Values of metrics that clients can choose. Each value makes a time series, so their number is bounded: a value counts as
 * its own where the server has it, and within a bound where a server answers to it without listing it.
 */
import type { CallEvent, CallStart } from '../base/events.ts'
import { METHODS } from '../protocol/methods.ts'
import { Bounded } from './bounded.ts'
import { OTHER } from './names.ts'

/** Names of tools, and of prompts, that the server has said that it has. */
const MAX_KNOWN = 2_000
/** Names that a server has answered to with a result. A server that answers to every name has as many at most. */
const MAX_ANSWERED = 200
/** Codes of JSON-RPC errors, and methods that a server adds: its author chooses them. */
const MAX_OTHERS = 50

/** Notifications of clients. */
const NOTIFICATIONS = ['initialized', 'cancelled', 'progress', 'roots/list_changed'].map(
  (name) => `notifications/${name}`,
)
const ASKS = ['elicitation/create', 'sampling/createMessage', 'roots/list']

export class Labels {
  readonly #methods = new Bounded(MAX_OTHERS, [...METHODS.keys(), ...NOTIFICATIONS, ...ASKS])
  readonly #codes = new Bounded(MAX_OTHERS)
  readonly #known = { tool: new Bounded(MAX_KNOWN), prompt: new Bounded(MAX_KNOWN) }
  readonly #answered = { tool: new Bounded(MAX_ANSWERED), prompt: new Bounded(MAX_ANSWERED) }

  /** @param isServed the server has answered the method with a result, so that there is one of this name */
  method(method: string, isServed = false): string {
    if (isServed) return this.#methods.label(method)
    return this.#methods.has(method) ? method : OTHER
  }

  code(code: number): string {
    return this.#codes.label(String(code))
  }

  /** The name of a tool or prompt. Undefined: nobody knows whether there is one, or there is none. A call that begins has no outcome. */
  name({ kind, name, isKnown, fault, outcome }: CallStart & Partial<CallEvent>): string | undefined {
    if (name === undefined || fault === 'unknown' || (kind !== 'tool' && kind !== 'prompt')) return undefined
    if (isKnown) return this.#known[kind].label(name)
    const isAnswered = outcome === 'ok' || outcome === 'input_required'
    const answered = this.#answered[kind]
    if (answered.has(name)) return name
    return isAnswered ? answered.label(name) : undefined
  }

  /** Whether a name has been one: for the begin of a call, before its outcome is there. */
  hasName(kind: 'tool' | 'prompt', name: string): boolean {
    return this.#known[kind].has(name) || this.#answered[kind].has(name)
  }
}
