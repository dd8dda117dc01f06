/**
 * A response of server-sent events, and the connections whose messages it carries: one for a call or for GET, several
 * for a batch (2025-03-26).
 */

import type { Timer } from '../../base/clock.ts'
import { around } from '../../base/ids.ts'
import { features } from '../../protocol/revisions.ts'
import { SSE_COMMENT, sseMessage, ssePriming, sseRetry } from '../../protocol/sse.ts'
import type { Caller } from '../../runtime/caller.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { ResponseWriter, StreamSource } from '../../runtime/reply.ts'
import { at, before } from '../../runtime/timers.ts'
import { type EventPosition, endOf, formatEventId } from './event-id.ts'
import type { Session } from './session.ts'

/** A connection, as its response uses it. */
export interface ResponseMember {
  position(): EventPosition
  /** Ends the stream, if that may end before its response. */
  drain(): void
  /** The client has gone, or reads too slowly. */
  abandoned(): void
}

interface SseResponseOptions {
  key: string
  /** 2025-11-25: the response begins with an event that has an id and no data. */
  primes: boolean
  retry: number
  /** HTTP+SSE (2024-11-05): the first event, and no ids, since that transport cannot resume. */
  first?: string | undefined
}

/** Characters that may wait for the response to begin. Beyond them its members wait. */
const MAX_WAITING = 1024 * 1024

export class SseResponse implements StreamSource {
  readonly #options: SseResponseOptions
  readonly #members: ResponseMember[] = []
  #open = 0
  #writer: ResponseWriter | undefined
  /** The text that was delivered before the response began, and its length in characters. */
  #queue: string[] = []
  #queued = 0
  /** Characters that the members keep for the reader. */
  #kept = 0
  #ended = false

  constructor(options: SseResponseOptions) {
    this.#options = options
  }

  add(member: ResponseMember): void {
    this.#members.push(member)
    this.#open++
  }

  /** Ends the response `closeBefore` ms before the platform does, where the client can come back for the rest. */
  endsBefore(instance: Instance, deadline: number | undefined): void {
    this.#planned = before(instance.clock, deadline, instance.options.closeBefore, 0.5, () => {
      for (const member of [...this.#members]) member.drain()
    })
  }
  #planned: Timer | undefined

  /** Ends the response when the token expires that it was opened with (ms since 1970). */
  endsAt(instance: Instance, until: number | undefined): void {
    this.#until = at(instance.clock, until, () => {
      for (const member of [...this.#members]) member.drain()
    })
  }
  #until: Timer | undefined

  /** Writes a message that no log has, and that moves no position. */
  aside(data: string): void {
    this.#write(sseMessage(data))
  }

  /** Writes one message. The positions of the members include it already. */
  message(data: string): void {
    this.#write(sseMessage(data, this.#options.first === undefined ? this.#eventId() : undefined))
  }

  /**
   * Writes the last message of `member`. Its id names the streams that are left (a batch), or else this end: a client that comes
   * back does not get the message again, nor an error where no log has it, or a failover has lost it.
   */
  last(member: ResponseMember, data: string): void {
    this.forget(member)
    const { key, first } = this.#options
    if (first !== undefined) return this.#write(sseMessage(data))
    const isLast = this.#members.length === 0
    this.#write(sseMessage(data, isLast ? formatEventId(key, endOf(member.position())) : this.#eventId()))
  }

  /** No later event id names the stream of this member. */
  forget(member: ResponseMember): void {
    const at = this.#members.indexOf(member)
    if (at >= 0) this.#members.splice(at, 1)
  }

  /** A member keeps so many more characters (negative: fewer) until the reader has caught up. */
  keeps(change: number): void {
    this.#kept += change
    this.#writer?.keeps(change)
  }

  comment(): void {
    if (!this.#writer?.room) this.#writer?.write(SSE_COMMENT)
  }

  /** While much waits for the reader: resolves when it has caught up, or when the response is over. */
  get room(): Promise<void> | undefined {
    if (this.#writer || this.#ended) return this.#writer?.room
    if (this.#queued <= MAX_WAITING) return undefined
    this.#begun ??= Promise.withResolvers()
    return this.#begun.promise
  }
  #begun: PromiseWithResolvers<void> | undefined

  /** Ends the response, and has the client come back after so many ms. */
  closeWith(retry: number): void {
    this.#write(sseRetry(retry))
    this.#end()
  }

  /** The stream of one member has ended. The last one ends the response. */
  memberDone(): void {
    this.#open--
    if (this.#open <= 0) this.#end()
  }

  attach(writer: ResponseWriter): void {
    this.#writer = writer
    const { first, primes, retry } = this.#options
    // The first byte goes out at once: some proxies hold the headers back until there is one.
    const head = first ?? (primes ? ssePriming(this.#startId, around(retry)) : SSE_COMMENT)
    const text = head + this.#queue.join('')
    this.#queue = []
    writer.write(text)
    if (this.#kept > 0) writer.keeps(this.#kept)
    if (this.#ended) writer.end()
    this.#begun?.resolve()
  }

  detached(): void {
    this.#writer = undefined
    this.#abandon()
  }

  /** Fixes the id of the priming event: the positions before anything is delivered. */
  begin(): void {
    this.#startId = this.#eventId()
  }
  #startId = ''

  #eventId(): string {
    const { key } = this.#options
    const [only, ...more] = this.#members
    if (only && more.length === 0) return formatEventId(key, only.position())
    return this.#members.map((member) => formatEventId(key, member.position())).join('!')
  }

  #write(text: string): void {
    if (this.#ended) return
    if (this.#writer) return this.#writer.write(text)
    this.#queued += text.length
    this.#queue.push(text)
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#planned?.cancel()
    this.#until?.cancel()
    this.#writer?.end()
    this.#begun?.resolve()
  }

  #abandon(): void {
    if (this.#ended) return
    this.#end()
    for (const member of this.#members) member.abandoned()
  }
}

/**
 * A response that ends before the platform ends it, and with the caller's token. `first`: the first event of HTTP+SSE
 * (2024-11-05). `retry`: in its priming event, in ms.
 */
export function openResponse(
  instance: Instance,
  session: Session,
  { deadline, until }: Pick<Caller, 'deadline' | 'until'>,
  first?: string,
  retry = instance.options.retry,
): SseResponse {
  const response = new SseResponse({
    key: session.key,
    primes: first === undefined && features(session.revision).streamsMayPause,
    retry,
    first,
  })
  response.endsBefore(instance, deadline)
  response.endsAt(instance, until)
  return response
}
