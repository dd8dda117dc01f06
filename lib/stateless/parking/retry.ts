/** A retry with answers whose run is parked, in this instance or in another one. */
import { randomId } from '../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { HeldConnection } from '../../runtime/held.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, Mail, RetryMail } from '../../runtime/mail.ts'
import type { Owner } from '../../store/store.ts'
import type { SendMessage } from './leg.ts'

/** The place of a parked run, as the state of its client names it. */
export interface ParkedAt {
  run: Owner
  /** The number of the wait that the answers end. */
  wait: number
}

const ACKNOWLEDGE_AFTER = 64 * 1024

export class Retry implements HeldConnection {
  readonly token = randomId(12)
  readonly #instance: Instance
  readonly #at: ParkedAt
  readonly #retry: RetryMail
  readonly #send: SendMessage
  readonly #end = Promise.withResolvers<LegEnd>()
  /** The number of the last message. */
  #got = 0
  /** The run has the answers. */
  #isAccepted = false
  /** A message is missing, and was asked for. */
  #isBehind = false
  /** Characters of messages. */
  #unacknowledged = 0
  #over = false

  constructor(instance: Instance, at: ParkedAt, retry: RetryMail, send: SendMessage) {
    this.#instance = instance
    this.#at = at
    this.#retry = retry
    this.#send = send
  }

  /** Resolves when the leg has ended. @throws StoreUnavailable where the run is elsewhere and no mail arrives here */
  async run(): Promise<LegEnd> {
    const instance = this.#instance
    instance.add('connection', this)
    try {
      if (!instance.isHere(this.#at.run)) await instance.attend()
      if (!this.#over) this.#ask()
      return await this.#end.promise
    } finally {
      this.#over = true
      instance.remove(this)
    }
  }

  /** The request has ended: its run goes with it. */
  callEnded(reason?: string): void {
    if (this.#over) return
    const mail: Mail = { t: 'leave', to: this.#at.run, from: this.#name }
    void this.#instance.send(reason === undefined ? mail : { ...mail, reason })
    this.#finish({ refused: 'over' })
  }

  get #name(): string {
    return this.#instance.name(this.token)
  }

  #ask(): void {
    const { run, wait } = this.#at
    const mail: Mail = { t: 'retry', to: run, from: this.#name, wait, got: this.#got }
    void this.#instance.send(this.#isAccepted ? mail : { ...mail, retry: this.#retry })
  }

  #finish(end: LegEnd): void {
    this.#over = true
    this.#end.resolve(end)
  }

  owners(): Owner[] {
    return [this.#at.run]
  }

  receive(mail: Mail): void {
    if (mail.t !== 'leg' || this.#over) return
    const { n, data, end } = mail
    if (n === 0) {
      this.#isAccepted = true
      if (end) this.#finish(end)
      return
    }
    if (n <= this.#got) return
    if (n > this.#got + 1) {
      if (!this.#isBehind) this.#ask()
      this.#isBehind = true
      return
    }
    this.#got = n
    this.#isBehind = false
    if (data !== undefined) this.#pass(data)
    if (!end) return
    this.#acknowledge(n)
    this.#finish(end)
  }

  /** The run keeps what is not acknowledged, and its handler waits where that is much: for a slow reader, too. */
  #pass(data: string): void {
    const n = this.#got
    const room = this.#send?.(data)
    this.#unacknowledged += data.length
    if (this.#unacknowledged < ACKNOWLEDGE_AFTER) return
    this.#unacknowledged = 0
    if (room) void room.then(() => this.#acknowledge(n))
    else this.#acknowledge(n)
  }

  #acknowledge(n: number): void {
    void this.#instance.send({ t: 'got', to: this.#at.run, from: this.#name, n })
  }

  beat(): void {
    this.#isBehind = false
    this.#ask()
  }

  ownerLost(): void {
    this.#finish({ refused: 'gone' })
  }

  close(): void {
    this.callEnded('The instance of the request shut down.')
  }

  /** Its request goes on for as long as a call may. */
  drain(): void {}
  changes(): void {}
}

/**
 * The error for a retry that gets neither a result nor further asks.
 *
 * @param park how long a run waits, in ms
 */
export function refusalOf(end: Extract<LegEnd, { refused: unknown }>, park: number): ProtocolError {
  if (end.refused === 'used') return new ProtocolError(ErrorCode.InvalidParams, USED)
  const why = { gone: GONE, drained: DRAINED, flooded: FLOODED, over: overAfter(park) }[end.refused] ?? overAfter(park)
  return new ProtocolError(ErrorCode.InternalError, `${why} ${CURE}`)
}

const USED =
  'These answers have come before, in another request: the call goes on there, and its client has the rest there.'
const GONE = 'The instance in which the call waited for these answers has ended, and the call with it.'
const DRAINED = 'The instance in which the call ran shuts down, and the call ended with it.'
const FLOODED = 'The handler sent more messages than can wait for the client, and was ended.'

function overAfter(park: number): string {
  return (
    'The call that these answers are for is over: it was cancelled, its instance shut down, or the answers took longer than ' +
    `${park / 1_000} s (PARK_SECONDS).`
  )
}

const CURE =
  'Call the tool again. A tool that "readOnly", "idempotent" or "durable" in options.tools marks is run again with the answers, ' +
  'on any instance, and waits nowhere.'
