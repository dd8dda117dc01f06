/** The event of an ask, and its span where somebody traces. They are made only where somebody listens. */
import { systemClock } from '../../base/clock.ts'
import { type AskEvent, type CallStart, channels, publish } from '../../base/events.ts'
import { type TracedAsk, tracing } from '../../base/tracing.ts'
import type { Ask } from './client-channel.ts'
import { AskError, AskPending } from './errors.ts'

export class WatchedAsk {
  /** The ask, with what is added where it is sent. */
  readonly ask: Ask
  readonly #call: CallStart | undefined
  readonly #traced: TracedAsk | undefined
  readonly #began = systemClock.now()
  #isSent = false

  constructor(call: CallStart | undefined, ask: Ask) {
    this.#call = call
    this.#traced = tracing.now?.ask(call, ask.method)
    this.ask = { ...ask, sending: (id) => this.#sending(id) }
  }

  #sending(id: string | undefined): Readonly<Record<string, string>> | undefined {
    this.#isSent = true
    return this.#traced?.sending(id)
  }

  /** Publishes the outcome once there is one. */
  follow(answer: Promise<unknown>): void {
    answer.then(
      () => this.#end('answered'),
      (error: unknown) => this.#end(outcomeOf(error), error instanceof AskError ? error.code : undefined),
    )
  }

  #end(outcome: AskEvent['outcome'], code?: number): void {
    const event: AskEvent = { method: this.ask.method, outcome, durationMs: systemClock.now() - this.#began }
    if (this.#call) event.call = this.#call
    if (code !== undefined) event.code = code
    if (outcome === 'answered' && !this.#isSent) event.isRepeated = true
    this.#traced?.end(event)
    if (channels.ask.hasSubscribers) publish('ask', event)
  }
}

function outcomeOf(error: unknown): AskEvent['outcome'] {
  if (error instanceof AskPending) return 'pending'
  if (error instanceof AskError) return error.reason
  return error instanceof DOMException && error.name === 'AbortError' ? 'abandoned' : 'error'
}
