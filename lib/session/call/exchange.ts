/**
 * One POST with requests and its one reply. It is JSON while no call has said anything before its result; the moment
 * one does, or takes long, the reply becomes a stream that carries them all.
 */
import { errorText } from '../../protocol/jsonrpc.ts'
import { isAtLeast } from '../../protocol/revisions.ts'
import type { Instance } from '../../runtime/instance.ts'
import { sessionNotFound } from '../../runtime/refusals.ts'
import type { Reply } from '../../runtime/reply.ts'
import { emptyStream, TRY_SOON } from '../../runtime/reply.ts'
import type { Session } from '../stream/session.ts'
import { Feed } from '../stream/sse-response.ts'
import type { Call } from './call.ts'

/** Where a call's result goes. */
export interface Carrier {
  /** False: the client takes JSON alone, so nothing can be said before the result. */
  readonly streams: boolean
  /** The reply is that of several calls: a batch. */
  readonly shared: boolean
  /** Makes the reply a stream, if it is not one yet. */
  beginStream(): void
  /** The call has its result (or, cancelled, none), and no stream carries it. */
  settled(call: Call): void
  /** The session turned out to be gone. */
  gone(call: Call): void
}

/** A continued call has its stream already: everything it says goes to the log, and from there to the holder. */
export const continuedCarrier: Carrier = {
  streams: true,
  shared: false,
  beginStream: () => {},
  settled: () => {},
  gone: () => {},
}

const SESSION_GONE: Reply = { kind: 'json', status: 404, body: errorText(sessionNotFound().toObject()) }

export class Exchange implements Carrier {
  readonly streams: boolean
  readonly shared: boolean
  readonly #session: Session
  readonly #instance: Instance
  readonly #deadline: number | undefined
  readonly #until: number | undefined
  readonly #calls: Call[] = []
  #feed: Feed | undefined
  #started = false
  #reply: Reply | undefined
  #resolve: ((reply: Reply) => void) | undefined

  constructor(
    instance: Instance,
    session: Session,
    options: { streams: boolean; batch: boolean; deadline: number | undefined; until?: number | undefined },
  ) {
    this.#instance = instance
    this.#session = session
    this.streams = options.streams
    this.shared = options.batch
    this.#deadline = options.deadline
    this.#until = options.until
  }

  add(call: Call): void {
    this.#calls.push(call)
  }

  /** Runs the calls. The reply is there at once when every handler returned at once. */
  start(): Reply | Promise<Reply> {
    for (const call of this.#calls) call.start()
    this.#started = true
    this.#trySettle()
    return this.#reply ?? new Promise((resolve) => (this.#resolve = resolve))
  }

  settled(_call: Call): void {
    if (this.#started) this.#trySettle()
  }

  gone(_call: Call): void {
    this.#answer(SESSION_GONE)
  }

  #trySettle(): void {
    if (this.#feed || this.#reply || !this.#calls.every((call) => call.over)) return
    const texts = this.#calls.flatMap((call) => call.text ?? [])
    const body = this.shared ? `[${texts.join(',')}]` : texts[0]
    if (body !== undefined && texts.length > 0) this.#answer(this.#json(body))
    // Every call was cancelled: there is no response to give.
    else if (this.streams) this.#answer({ kind: 'stream', source: emptyStream })
    else this.#answer({ kind: 'empty', status: 202 })
  }

  #json(body: string): Reply {
    // A batch has one status for all of its calls.
    const [only] = this.#calls
    if (this.shared || !only?.full) {
      return { kind: 'json', status: 200, body, bytes: this.shared ? undefined : only?.bytes }
    }
    return { kind: 'json', status: 429, body, headers: TRY_SOON }
  }

  #answer(reply: Reply): void {
    if (this.#reply) return
    this.#reply = reply
    this.#resolve?.(reply)
  }

  beginStream(): void {
    if (this.#feed || this.#reply || !this.streams) return
    const feed = new Feed({
      key: this.#session.key,
      primes: isAtLeast(this.#session.revision, '2025-11-25'),
      retry: this.#instance.options.retry,
    })
    this.#feed = feed
    // No event id leaves before the store has the call: the priming event waits for the registration.
    feed.endsBefore(this.#instance, this.#deadline)
    feed.endsAt(this.#instance, this.#until)
    // One that was cancelled before has nothing to say.
    const speaking = this.#calls.filter((call) => !call.over || call.text !== undefined)
    const opened = speaking.map((call) => call.openStream(feed))
    feed.begin()
    void Promise.all(opened).then((states) => {
      if (states.includes('gone')) {
        feed.detached()
        this.#answer(SESSION_GONE)
      } else if (states[0] === 'refused') {
        feed.detached()
        this.#answer(this.#json(speaking[0]?.text ?? ''))
      } else this.#answer({ kind: 'stream', source: feed })
    })
  }
}
