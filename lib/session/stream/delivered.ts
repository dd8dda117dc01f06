/**
 * The part of a session's own log that no client comes back for: a stream may be open for days, and its log would keep all that was
 * delivered meanwhile, up to its bounds.
 */
import type { Instance } from '../../runtime/instance.ts'
import { DEFAULT_LIFETIMES, STEP } from '../../store/options.ts'
import type { Holder, Kept } from '../../store/store.ts'
import { GET_STREAM } from './event-id.ts'
import type { Session } from './session.ts'

export class Delivered {
  readonly #instance: Instance
  readonly #session: Session
  readonly #holder: Holder
  readonly #client: string | undefined
  /** The newest entry that was delivered, and the bytes of all since the log was trimmed. */
  #n = 0
  #bytes = 0
  /** An entry that was delivered some time ago. */
  #mark: { n: number; at: number } | undefined

  /** @param client counts what the session keeps */
  constructor(instance: Instance, session: Session, holder: Holder, client: string | undefined) {
    this.#instance = instance
    this.#session = session
    this.#holder = holder
    this.#client = client
  }

  /** The entry `n` of so many bytes was delivered. Nobody resumes the stream of HTTP+SSE. */
  add(n: number, bytes: number): void {
    this.#n = n
    this.#bytes += bytes
    if (this.#session.legacy && this.#bytes >= STEP) this.#trim(n)
  }

  /** The heartbeat. A client that lost the last bytes comes back within the time for which a delivered log lives. */
  beat(): void {
    if (this.#bytes < STEP) return
    const now = this.#instance.clock.now()
    this.#mark ??= { n: this.#n, at: now }
    if (now - this.#mark.at >= DEFAULT_LIFETIMES.delivered) this.#trim(this.#mark.n)
  }

  /** What the session keeps now. */
  report(kept: Kept): void {
    this.#instance.stored.report(this.#client, this.#session.key, kept)
  }

  sessionGone(): void {
    this.#instance.stored.gone(this.#client, this.#session.key)
  }

  #trim(upTo: number): void {
    this.#bytes = 0
    this.#mark = undefined
    const { store, turns } = this.#instance
    const trimmed = turns.run(() => store.trim(this.#session.key, GET_STREAM, this.#holder, upTo))
    this.#instance.track(trimmed.then((reply) => reply.status === 'ok' && this.report(reply)))
  }
}
