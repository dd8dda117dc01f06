/** Whether Redis can be reached, as the commands of this process find it: reported when it goes, and when it is back. */
import { type CommandEvent, channels, publish, type StoreEvent } from '../../base/events.ts'
import { StoreRefused, type StoreTrouble, type StoreUnavailable } from '../unavailable.ts'

/** After these a command that succeeds says nothing of the others: a Redis that is full still reads. */
const PARTIAL: readonly StoreTrouble[] = ['full', 'readonly', 'denied', 'outdated']
/** Redis is back from them after so long without a refusal, in ms. */
const QUIET = 5_000

export class Outage {
  readonly #onError: (error: unknown) => void
  /** The failure that was reported last, while it lasts. */
  #cause: StoreUnavailable | undefined
  #since = 0
  #last = 0

  /** @param onError receives the cause when Redis goes away or refuses this process: once, until it is back */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  failed(failure: StoreUnavailable): void {
    this.#last = performance.now()
    if (this.#cause === undefined) this.#since = this.#last
    else if (!(failure instanceof StoreRefused) || failure.message === this.#cause.message) return
    this.#cause = failure
    if (channels.store.hasSubscribers) this.#publish('lost', failure, this.#last)
    this.#onError(failure)
  }

  succeeded(): void {
    const cause = this.#cause
    if (cause === undefined) return
    if (PARTIAL.includes(cause.trouble) && performance.now() - this.#last < QUIET) return
    this.#cause = undefined
    if (channels.store.hasSubscribers) this.#publish('back', cause, performance.now())
  }

  #publish(state: StoreEvent['state'], cause: StoreUnavailable, now: number): void {
    const awayMs = now - this.#since
    publish('store', { store: 'redis', state, cause, trouble: cause.trouble, awayMs })
  }
}

/** Publishes how a command ended. Returns its reply. */
export async function publishCommand<R>(command: string, reply: Promise<R>): Promise<R> {
  const began = performance.now()
  const end = (error?: unknown) => {
    const event: CommandEvent = { store: 'redis', command, durationMs: performance.now() - began }
    if (error instanceof Error) event.error = error
    publish('command', event)
  }
  try {
    const value = await reply
    end()
    return value
  } catch (error) {
    end(error)
    throw error
  }
}
