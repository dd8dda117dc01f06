/**
 * A reliable, ordered connection between two instances, made of mail, which may be lost or come twice. Messages are numbered in
 * pieces. The receiver reports what it got, so that the sender sends the rest again, and what it has done, which is how much more may
 * be sent: a slow receiver slows the sender down.
 */
import type { Clock } from '../../../../base/clock.ts'
import type { JsonObject } from '../../../../protocol/jsonrpc.ts'
import type { Flow } from './flow.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'

interface LinkParts {
  id: string
  clock: Clock
  /** How much is under way to the other instance in all. */
  flow: Flow
  /**
   * Sends a frame: `n` and `m` are the number of the first piece and the pieces, `g` and `a` the last piece that was received and
   * the last that is done, `q` asks for a report.
   */
  send(frame: JsonObject): void
  /** Takes a message, one after the other. The next one comes when the promise has resolved. */
  take(message: JsonObject): Promise<unknown> | undefined
}

export class Link {
  readonly #parts: LinkParts
  readonly #out: Outgoing
  readonly #in: Incoming
  #closed = false

  constructor(parts: LinkParts) {
    this.#parts = parts
    const { clock, flow, take } = parts
    this.#out = new Outgoing({
      clock,
      flow,
      send: (n, m) => this.#send({ n, m }),
      probe: () => this.#send({ q: 1 }),
    })
    this.#in = new Incoming({ clock, take, report: () => this.#send({}) })
  }

  /** Sends a message. Resolves when the next one may follow. */
  push(message: JsonObject): Promise<void> {
    return this.#out.push(message)
  }

  /** Resolves when the other end has done everything that was sent, or the connection is closed. */
  flushed(): Promise<void> {
    return this.#out.flushed()
  }

  /** Resolves when every message that has arrived is done. */
  taken(): Promise<void> {
    return this.#in.settled()
  }

  receive({ n, m, g, a, q }: JsonObject): void {
    if (this.#closed) return
    if (typeof g === 'number' && typeof a === 'number') this.#out.reported(g, a)
    if (typeof n === 'number' && Array.isArray(m)) this.#in.add(n, m)
    if (q !== undefined) this.#send({})
  }

  /** Reports at once what has been done: the other end waits for that to forget the connection. */
  sendReport(): void {
    this.#send({})
  }

  close(): void {
    this.#closed = true
    this.#out.close()
    this.#in.close()
  }

  #send(frame: JsonObject): void {
    if (this.#closed) return
    this.#in.reported()
    this.#parts.send({ id: this.#parts.id, ...frame, g: this.#in.received, a: this.#in.taken })
  }
}
