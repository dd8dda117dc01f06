/**
 * A leg of a parked run: the part of it that one request carries. The first request is that of the call; each further one is a
 * retry with answers, which may have come to another instance. Mail may be lost, so that a leg keeps what it has sent until the
 * retry has it, and the retry asks for what is missing.
 */
import type { HeldBytes } from '../../base/byte-budget.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, Mail } from '../../runtime/mail.ts'

export interface Leg {
  /** Sends a message before the result. The promise, where there is one, resolves when the next one may follow. */
  send(text: string): Promise<unknown> | undefined
  /** Nothing is sent after it. */
  end(end: LegEnd): void
}

/** Characters of messages that a leg, or a run that waits, keeps. */
export const MAX_KEPT = 1024 * 1024

interface Part {
  data?: string
  end?: LegEnd
}

/** The leg that a retry carries, here or at another instance. */
export class RetryLeg implements Leg {
  /** The name of the retry for the instances. */
  readonly from: string
  /** When the retry was last heard of, by the clock's `now`. */
  heard: number
  readonly #instance: Instance
  readonly #held: HeldBytes
  readonly #streams: boolean
  /** Called where more is kept than may be. */
  readonly #onFlood: () => void
  #n = 0
  #kept: (Extract<Mail, { t: 'leg' }> & { size: number })[] = []
  #size = 0

  /** @param streams the client takes messages before the result */
  constructor(instance: Instance, from: string, held: HeldBytes, streams: boolean, onFlood: () => void) {
    this.#instance = instance
    this.from = from
    this.#held = held
    this.#streams = streams
    this.#onFlood = onFlood
    this.heard = instance.clock.now()
  }

  send(text: string): Promise<unknown> | undefined {
    return this.#streams ? this.#post({ data: text }) : undefined
  }

  end(end: LegEnd): void {
    void this.#post({ end })
  }

  /** The retry has the messages up to `got`: it gets the others again. */
  repeat(got: number): void {
    this.heard = this.#instance.clock.now()
    this.accept()
    this.#forget(got)
    for (const { size: _size, ...mail } of this.#kept) void this.#instance.send(mail)
  }

  /** Has the retry know that its answers are here. */
  accept(): void {
    void this.#instance.send({ t: 'leg', to: this.from, n: 0 })
  }

  /** Nothing is kept any longer. */
  close(): void {
    this.#forget(this.#n)
  }

  #post(part: Part): Promise<unknown> | undefined {
    const mail = { t: 'leg', to: this.from, n: ++this.#n, ...part } as const
    // In this process nothing is lost.
    if (this.#instance.isHere(this.from)) return this.#instance.send(mail)
    const size = part.data?.length ?? 0
    if (!part.end && (this.#size + size > MAX_KEPT || !this.#held.grow(size))) {
      this.#onFlood()
      return undefined
    }
    this.#size += size
    this.#kept.push({ ...mail, size })
    return this.#instance.send(mail)
  }

  #forget(got: number): void {
    const done = this.#kept.filter(({ n }) => n <= got).reduce((sum, { size }) => sum + size, 0)
    this.#kept = this.#kept.filter(({ n }) => n > got)
    this.#size -= done
    this.#held.change(-done)
  }
}
