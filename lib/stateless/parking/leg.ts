/**
 * A leg of a parked run: the part of it that one request carries. The first request is that of the call; each further one is a
 * retry with answers, which may have come to another instance. Mail may be lost, so that a leg keeps what it has sent until the
 * retry has it, and the retry asks for what is missing.
 */
import type { HeldBytes } from '../../base/byte-budget.ts'
import { MAX_UNSENT } from '../../runtime/error-text.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, Mail } from '../../runtime/mail.ts'

/** Sends a message before the result, with a promise where the reader has to catch up first; absent where the client takes JSON alone. */
export type SendMessage = ((text: string) => Promise<unknown> | undefined) | undefined

export interface Leg {
  /** Sends a message before the result. The promise, where there is one, resolves when the next one may follow. */
  send(text: string): Promise<unknown> | undefined
  /** Nothing is sent after it. */
  end(end: LegEnd): void
}

/** Characters that a leg keeps before its handler has to wait. */
const HIGH = 256 * 1024

type LegMail = Extract<Mail, { t: 'leg' }>

/** Characters of its message; an end counts as none. */
function sizeOf({ data }: LegMail): number {
  return data?.length ?? 0
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
  /** Called where a handler that does not wait has sent too much. */
  readonly #onFlood: () => void
  #n = 0
  #kept: LegMail[] = []
  #size = 0
  /** While much is kept. */
  #room: PromiseWithResolvers<void> | undefined

  /** @param streams the client takes messages before the result */
  constructor(instance: Instance, from: string, held: HeldBytes, streams: boolean, onFlood: () => void) {
    this.#instance = instance
    this.from = from
    this.#held = held
    this.#streams = streams
    this.#onFlood = onFlood
    this.heard = instance.clock.now()
  }

  /** The retry has all of it. */
  get isDelivered(): boolean {
    return this.#kept.length === 0
  }

  send(text: string): Promise<unknown> | undefined {
    return this.#streams ? this.#post({ data: text }) : undefined
  }

  end(end: LegEnd): void {
    this.#post({ end })
  }

  /** The retry has the messages up to `n`. */
  got(n: number): void {
    this.heard = this.#instance.clock.now()
    let done = 0
    for (const mail of this.#kept) if (mail.n <= n) done += sizeOf(mail)
    this.#kept = this.#kept.filter((mail) => mail.n > n)
    this.#size -= done
    this.#held.change(-done)
    if (this.#size > HIGH) return
    this.#room?.resolve()
    this.#room = undefined
  }

  /** The retry asks for what follows `n`. */
  repeat(n: number): void {
    this.accept()
    this.got(n)
    for (const mail of this.#kept) void this.#instance.send(mail)
  }

  /** Has the retry know that its answers are here. */
  accept(): void {
    void this.#instance.send({ t: 'leg', to: this.from, n: 0 })
  }

  /** Nothing is kept any longer. */
  close(): void {
    this.got(this.#n)
  }

  #post(part: { data: string } | { end: LegEnd }): Promise<unknown> | undefined {
    const mail: LegMail = { t: 'leg', to: this.from, n: this.#n + 1, ...part }
    const size = sizeOf(mail)
    // In this process nothing is lost.
    const isHere = this.#instance.isHere(this.from)
    if (!isHere && size > 0 && (this.#size + size > MAX_UNSENT || !this.#held.grow(size))) {
      this.#onFlood()
      return undefined
    }
    this.#n++
    if (!isHere) {
      this.#size += size
      this.#kept.push(mail)
    }
    void this.#instance.send(mail)
    if (this.#size > HIGH) this.#room ??= Promise.withResolvers()
    return this.#room?.promise
  }
}
