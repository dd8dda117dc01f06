/**
 * One streaming response and the connections that it carries: one for a call or for GET, several for a batch of
 * 2025-03-26. It knows the writer; the connections know their streams.
 */
import type { Timer } from '../../base/clock.ts'
import { SSE_COMMENT, sseMessage, ssePriming, sseRetry } from '../../protocol/sse.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { ResponseWriter, StreamSource } from '../../runtime/reply.ts'
import type { EventPosition } from './event-id.ts'
import { formatEventId } from './event-id.ts'

/** What a feed needs to know of its connections. */
export interface FeedMember {
  position(): EventPosition
  /** End the response if it may end before its answer. */
  drain(): void
  /** The client has gone, or reads too slowly. */
  abandoned(): void
}

export interface FeedOptions {
  key: string
  /** 2025-11-25: the response begins with an event that has an id and no data. */
  primes: boolean
  retry: number
  /** HTTP+SSE (2024-11-05): the first event, and no ids, since that transport cannot resume. */
  first?: string | undefined
}

/** Characters that may wait for the response to begin: a whole log. Beyond them the client comes back for the rest. */
const MAX_EARLY = 32 * 1024 * 1024

export class Feed implements StreamSource {
  readonly #options: FeedOptions
  readonly #members: FeedMember[] = []
  #open = 0
  #writer: ResponseWriter | undefined
  /** What was delivered before the response began. */
  #early: string[] = []
  #waiting = 0
  #ended = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  add(member: FeedMember): void {
    this.#members.push(member)
    this.#open++
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Half a minute before the platform ends the response, the feed ends it where the client can come back for the rest. */
  endsBefore(instance: Instance, deadline: number | undefined): void {
    this.#planned = instance.before(deadline, instance.options.closeBefore, 0.5, () => {
      for (const member of [...this.#members]) member.drain()
    })
  }
  #planned: Timer | undefined

  /** The response ends with the token that it was opened with; with a new one the client goes on. */
  endsAt(instance: Instance, until: number | undefined): void {
    this.#until = instance.at(until, () => {
      for (const member of [...this.#members]) member.drain()
    })
  }
  #until: Timer | undefined

  /** Delivers one message; the members' positions already include it. */
  message(data: string): void {
    this.#write(sseMessage(data, this.#options.first === undefined ? this.#eventId() : undefined))
  }

  comment(): void {
    if (this.#writer) this.#write(SSE_COMMENT)
  }

  /** Tells the client when to come back, and ends the response. */
  closeWith(retry: number): void {
    this.#write(sseRetry(retry))
    this.#end()
  }

  /** One member has nothing more to say; the last one ends the response. */
  memberDone(): void {
    this.#open--
    if (this.#open <= 0) this.#end()
  }

  attach(writer: ResponseWriter): void {
    this.#writer = writer
    const { first, primes, retry } = this.#options
    // The first byte goes out at once: some proxies hold the headers back until there is one.
    const head = first ?? (primes ? ssePriming(this.#startId, retry) : SSE_COMMENT)
    const text = head + this.#early.join('')
    this.#early = []
    if (!writer.write(text)) this.#abandon()
    if (this.#ended) writer.end()
  }

  detached(): void {
    this.#writer = undefined
    this.#abandon()
  }

  /** Fixes the id of the priming event: the positions before anything was delivered. */
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
    if (this.#writer ? this.#writer.write(text) : this.#keep(text)) return
    this.#abandon()
  }

  #keep(text: string): boolean {
    this.#waiting += text.length
    if (this.#waiting > MAX_EARLY) return false
    this.#early.push(text)
    return true
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#planned?.cancel()
    this.#until?.cancel()
    this.#writer?.end()
  }

  #abandon(): void {
    if (this.#ended) return
    this.#end()
    for (const member of this.#members) member.abandoned()
  }
}
