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
  /** The last failure that is one of {@link PARTIAL}. */
  #refusedAt = 0
  /** When each kind of failure was last reported. */
  readonly #reported = new Map<string, number>()

  /** @param onError receives the cause when Redis goes away or refuses this process, and a new cause that follows it */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Another failure than the one before is reported too: a Redis that was full may be stopped. */
  failed(failure: StoreUnavailable): void {
    const now = performance.now()
    if (PARTIAL.includes(failure.trouble)) this.#refusedAt = now
    const kind = kindOf(failure)
    if (this.#cause === undefined) this.#since = now
    // Where commands fail in several ways at once, each of these is reported once in a while.
    else if (kind === kindOf(this.#cause) || now - (this.#reported.get(kind) ?? Number.NEGATIVE_INFINITY) < QUIET)
      return
    this.#cause = failure
    this.#reported.set(kind, now)
    if (channels.store.hasSubscribers) this.#publish('lost', failure, now)
    this.#onError(failure)
  }

  succeeded(): void {
    const cause = this.#cause
    if (cause === undefined) return
    const now = performance.now()
    if (PARTIAL.includes(cause.trouble) && now - this.#refusedAt < QUIET) return
    this.#cause = undefined
    this.#reported.clear()
    if (channels.store.hasSubscribers) this.#publish('back', cause, now)
  }

  #publish(state: StoreEvent['state'], cause: StoreUnavailable, now: number): void {
    const awayMs = now - this.#since
    publish('store', { store: 'redis', state, cause, trouble: cause.trouble, awayMs })
  }
}

/** Refusals differ by what they refuse. */
function kindOf(failure: StoreUnavailable): string {
  return failure instanceof StoreRefused ? failure.message : failure.trouble
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
