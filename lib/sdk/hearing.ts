/**
 * Notifications of the client of one instance. They may arrive at any process: what this one missed reaches the instance before the
 * next call of its client, whose stream carries what the handler asks.
 */
import type { ClientChannel } from '../server/context/client-channel.ts'
import { type Heard, heardName } from '../server/context/heard.ts'

interface HearingParts {
  /** The methods that the server handles now. */
  methods(): readonly string[]
  /** Resolves when the handler has ended. Its error is its own. */
  deliver(heard: Heard): Promise<void>
}

export class Hearing {
  readonly #parts: HearingParts
  /** The mark of the session when the instance last had all. */
  #mark: string | undefined
  /** The ids of what was delivered, by method. */
  readonly #seen = new Map<string, string>()
  #running: Promise<void> | undefined

  constructor(parts: HearingParts) {
    this.#parts = parts
  }

  /** Has the instance hear what it has missed, in the context of a call. Undefined: it has all. */
  before(channel: ClientChannel): Promise<void> | undefined {
    const { heardMark } = channel
    if (heardMark === undefined || heardMark === this.#mark) return this.#running
    this.#mark = heardMark
    return this.#follow(() => this.#catchUp(channel))
  }

  /**
   * Delivers a notification that arrived in this process.
   *
   * @param isLost whether the call is over in whose context the handler ran, so that what it asked may have no answer
   */
  now(heard: Heard, isLost: () => boolean): Promise<void> {
    return this.#follow(() => this.#deliver(heard, isLost))
  }

  /** Calls wait for it. Where it fails, the next call begins again. */
  #follow(work: () => Promise<void>): Promise<void> {
    const running = (this.#running ?? Promise.resolve()).then(work)
    this.#running = running
    running.then(
      () => this.#ended(running),
      () => {
        this.#mark = undefined
        this.#ended(running)
      },
    )
    return running
  }

  #ended(running: Promise<void>): void {
    if (this.#running === running) this.#running = undefined
  }

  async #catchUp(channel: ClientChannel): Promise<void> {
    const { session, signal } = channel
    for (const method of this.#parts.methods()) {
      const heard = await session?.get<Heard>(heardName(method))
      if (heard && this.#seen.get(method) !== heard.id) await this.#deliver(heard, () => signal.aborted)
    }
  }

  async #deliver(heard: Heard, isLost: () => boolean): Promise<void> {
    this.#seen.set(heard.method, heard.id)
    await this.#parts.deliver(heard)
    if (!isLost()) return
    this.#seen.delete(heard.method)
    this.#mark = undefined
  }
}
