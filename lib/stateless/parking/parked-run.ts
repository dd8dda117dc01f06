/**
 * A run of a stateless call that waits in this instance for the answers of its client. Its first request is answered with
 * `input_required`, and so is each retry whose leg asks again; the last retry gets the result. Nothing of it remains once it has
 * ended and the last retry has its response.
 */
import type { HeldBytes } from '../../base/byte-budget.ts'
import type { Timer } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { JsonObject, RequestId, Result } from '../../protocol/jsonrpc.ts'
import { TOO_MUCH } from '../../runtime/error-text.ts'
import type { RunningCall } from '../../runtime/held.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { LegEnd, Mail, RetryMail } from '../../runtime/mail.ts'
import type { Ask } from '../../server/context/client-channel.ts'
import { AskError } from '../../server/context/errors.ts'
import type { ParkingBounds } from './bounds.ts'
import { type Leg, RetryLeg } from './leg.ts'
import { OpenAsks } from './open-asks.ts'
import { outcomeOf } from './outcome.ts'
import { withToken } from './progress-token.ts'

/** The call, as its run uses it. */
export interface ParkedCall {
  readonly method: string
  /** The name under which limits count the client. */
  readonly clientName: string | undefined
  /** Messages before the result go to `send` from now on. */
  sendBy(send: (text: string) => Promise<unknown> | undefined): void
  /** The log level of the retry. */
  setLevel(level: string | undefined): void
  /** Ends the call. `cancelled`: the reason to abort the handler's signal with. */
  end(cancelled?: string): void
}

export interface RunParts {
  instance: Instance
  bounds: ParkingBounds
  /** How long the run waits for the answers of one round, in ms. */
  park: number
  /** The most asks of the run. */
  maxAsks: number
}

/** Characters of messages that a run keeps while it waits. */
const MAX_KEPT = 1024 * 1024

/** A leg whose retry was not heard of for so many heartbeats is over. */
const LOST = 3

export class ParkedRun implements RunningCall {
  readonly token = randomId(12)
  readonly #parts: RunParts
  readonly #call: ParkedCall
  readonly #first: Leg
  /** The messages and the result that nobody has yet. */
  readonly #held: HeldBytes
  readonly #open: OpenAsks
  /** The request that gets what the run sends. Undefined: the run waits for a retry, or is over. */
  #leg: Leg | undefined
  /** The leg before, until its retry has all of it. */
  #previous: RetryLeg | undefined
  #progressToken: RequestId | undefined
  /** How often the run has waited. */
  #waits = 0
  /** The leg ends with this turn of the event loop. */
  #isEnding = false
  /** What the handler returned, until a retry gets it. */
  #response: LegEnd | undefined
  /** Messages that were sent while the run waited, and their characters. */
  readonly #kept: string[] = []
  #keptSize = 0
  #timer: Timer | undefined
  #over = false
  #isForgotten = false

  /**
   * @param first the leg that the request of the call carries
   * @throws Error with one line where no further run may wait here
   */
  constructor(parts: RunParts, call: ParkedCall, first: Leg) {
    const { instance, bounds, maxAsks } = parts
    bounds.enter(call.clientName)
    this.#parts = parts
    this.#call = call
    this.#first = first
    this.#leg = first
    this.#held = instance.memory.hold(call.clientName)
    this.#open = new OpenAsks(maxAsks)
    call.sendBy((text) => this.#send(text))
    instance.add('call', this)
  }

  // For the call ----------------------------------------------------------------------------------------------------

  /** Asks the client. Asks of one turn of the event loop go out together. */
  ask(ask: Ask): Promise<JsonObject> {
    if (this.#over) return Promise.reject(new DOMException('The call has ended.', 'AbortError'))
    const answer = this.#open.add(ask)
    this.#endLegSoon()
    return answer
  }

  /** The handler has returned, or failed. False: the request that carries the first leg gets that in the usual way. */
  settled(returned: Result | Error): boolean {
    if (this.#over) return false
    if (returned instanceof Error) this.#open.rejectAll(new DOMException('The handler has failed.', 'AbortError'))
    // An ask that the handler did not wait for goes out before its result.
    if (this.#leg === this.#first && this.#open.size === 0) return false
    const { instance } = this.#parts
    const { end, size } = outcomeOf(this.#call.method, returned, (error) => instance.report(error))
    this.#response = end
    if (this.#leg === undefined) this.#held.change(size)
    else if (this.#open.size === 0) this.#finish(this.#leg, end)
    return true
  }

  /** The call has ended in its first leg. */
  callEnded(reason = 'The call has ended.'): void {
    this.#end(reason)
  }

  // Legs ------------------------------------------------------------------------------------------------------------

  #endLegSoon(): void {
    if (this.#isEnding || !this.#leg) return
    this.#isEnding = true
    const turn = new Promise((resolve) => setImmediate(resolve))
    // The client gets the name of this instance: from then on mail may come.
    Promise.all([this.#parts.instance.attend(), turn])
      .catch((error) => this.#open.rejectAll(error))
      .then(() => this.#endLeg())
  }

  #endLeg(): void {
    this.#isEnding = false
    const leg = this.#leg
    if (!leg || this.#over) return
    if (this.#open.size === 0) {
      if (this.#response) this.#finish(leg, this.#response)
      return
    }
    this.#leave(leg)
    const { instance, park } = this.#parts
    const late = `The client did not answer within ${park / 1_000} s (PARK_SECONDS).`
    this.#timer = instance.clock.after(park, () => this.#end(late, new AskError('timeout', late)))
    leg.end({ asks: this.#open.requests, run: instance.name(this.token), wait: ++this.#waits })
  }

  /** From now on the run has no request. */
  #leave(leg: Leg): void {
    this.#previous?.close()
    this.#previous = leg instanceof RetryLeg ? leg : undefined
    this.#leg = undefined
  }

  /** The last leg: its request gets the response. */
  #finish(leg: Leg, end: LegEnd): void {
    this.#leave(leg)
    this.#over = true
    this.#timer?.cancel()
    this.#call.end()
    const { instance } = this.#parts
    const { heartbeat, lease } = instance.options
    // Where its mail was lost, the retry asks again.
    if (leg instanceof RetryLeg) {
      this.#timer = instance.clock.after(Math.max(LOST * heartbeat, lease), () => this.#forget())
    } else this.#forget()
    leg.end(end)
  }

  #resume(leg: RetryLeg, { answers, token, level }: RetryMail): void {
    this.#timer?.cancel()
    this.#previous?.close()
    this.#previous = undefined
    this.#leg = leg
    this.#call.setLevel(level)
    this.#progressToken = token
    const kept = this.#kept.splice(0)
    this.#held.change(-this.#keptSize)
    this.#keptSize = 0
    for (const text of kept) this.#send(text)
    this.#open.answer(answers)
    // What has no answer is asked again, and a result waits for what the answers lead to in this turn.
    if (this.#open.size > 0 || this.#response) this.#endLegSoon()
  }

  #send(text: string): Promise<unknown> | undefined {
    const leg = this.#leg
    if (this.#over) return undefined
    if (leg === this.#first) return leg.send(text)
    if (leg) {
      const own = withToken(text, this.#progressToken)
      return own === undefined ? undefined : leg.send(own)
    }
    if (this.#keptSize + text.length > MAX_KEPT || !this.#held.grow(text.length)) this.#end(TOO_MUCH)
    else {
      this.#kept.push(text)
      this.#keptSize += text.length
    }
    return undefined
  }

  // The end ---------------------------------------------------------------------------------------------------------

  /**
   * Ends the run before its handler has returned, whose signal is aborted.
   *
   * @param why what its asks are rejected with
   * @param end for the retry that waits for the run
   */
  #end(reason: string, why: Error = new DOMException(reason, 'AbortError'), end?: LegEnd): void {
    if (this.#over) return
    const leg = this.#leg
    this.#over = true
    this.#leg = undefined
    this.#open.rejectAll(why)
    this.#call.end(reason)
    if (end && leg instanceof RetryLeg) this.#finish(leg, end)
    else this.#forget()
  }

  #forget(): void {
    if (this.#isForgotten) return
    this.#isForgotten = true
    const { instance, bounds } = this.#parts
    this.#timer?.cancel()
    this.#held.release()
    bounds.leave(this.#call.clientName)
    instance.remove(this)
  }

  // For its instance ------------------------------------------------------------------------------------------------

  receive(mail: Mail): void {
    if (mail.t === 'retry') this.#retried(mail)
    else if (mail.t === 'got') this.#arrived(mail)
    else if (mail.t === 'leave') {
      // Its client did not get the asks, either, where these are on their way: nobody could answer them.
      const leg = this.#legOf(mail.from)
      if (leg && (leg === this.#leg || !leg.isDelivered)) this.#end(mail.reason ?? 'The client has gone.')
    }
  }

  #arrived({ from, n }: Extract<Mail, { t: 'got' }>): void {
    const leg = this.#legOf(from)
    leg?.got(n)
    if (leg !== this.#previous || !leg?.isDelivered) return
    this.#previous = undefined
    if (this.#over) this.#forget()
  }

  /** The leg that a retry carries, also where it has ended. */
  #legOf(from: string): RetryLeg | undefined {
    return [this.#leg, this.#previous].find((leg) => leg instanceof RetryLeg && leg.from === from) as
      | RetryLeg
      | undefined
  }

  #retried({ from, got, wait, retry }: Extract<Mail, { t: 'retry' }>): void {
    const { instance } = this.#parts
    const known = this.#legOf(from)
    if (known) return known.repeat(got)
    const isNext = !this.#over && !this.#leg && wait === this.#waits
    if (!isNext || !retry) {
      const refused = this.#over ? 'over' : 'used'
      void instance.send({ t: 'leg', to: from, n: 0, end: { refused } })
      return
    }
    const message = this.#open.problemIn(retry.answers)
    if (message !== undefined) {
      // The run goes on waiting: the right answer still counts.
      const end: LegEnd = { response: { error: { code: ErrorCode.InvalidParams, message } } }
      void instance.send({ t: 'leg', to: from, n: 0, end })
      return
    }
    const flood = () => this.#end(TOO_MUCH, undefined, { refused: 'flooded' })
    const leg = new RetryLeg(instance, from, this.#held, retry.streams, flood)
    leg.accept()
    this.#resume(leg, retry)
  }

  /** A retry whose instance has died asks for nothing any longer. */
  beat(): void {
    const { clock, options } = this.#parts.instance
    const leg = this.#leg
    if (leg instanceof RetryLeg && clock.now() - leg.heard > LOST * options.heartbeat) {
      this.#end('The request with the answers was lost.')
    }
  }

  /** The instance shuts down: it waits for no acknowledgement. The first leg ends with its request. */
  async abandon(): Promise<void> {
    if (this.#leg === this.#first) return
    this.#end('The instance is shutting down.', undefined, { refused: 'drained' })
    this.#forget()
  }
}
