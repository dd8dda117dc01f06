/**
 * A POST with requests, and its one reply. The reply is JSON while no call has sent anything before its response; the
 * moment that one does, or takes long, the reply becomes a stream that carries the responses of all.
 */
import type { JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import type { Caller } from '../../runtime/caller.ts'
import { PendingReply } from '../../runtime/pending-reply.ts'
import { sessionNotFound } from '../../runtime/refusals.ts'
import { emptyStream, type Reply, TRY_SOON } from '../../runtime/reply.ts'
import type { Session } from '../stream/session.ts'
import { openResponse, type SseResponse } from '../stream/sse-response.ts'
import { Call } from './call.ts'
import type { CallHost, Carrier } from './host.ts'
import type { Opened } from './stream.ts'

export class Exchange implements Carrier {
  readonly streams: boolean
  readonly shared: boolean
  readonly #host: CallHost
  readonly #session: Session
  readonly #caller: Caller
  readonly #calls: Call[] = []
  readonly #reply = new PendingReply()
  #response: SseResponse | undefined
  /** The calls that carry, on the stream, the responses of those that the store is still ending. */
  #successors: Map<Call, Call> | undefined

  /** `streams`: the client takes a stream. `batch`: the body was an array (2025-03-26). */
  constructor(
    host: CallHost,
    session: Session,
    caller: Caller,
    { streams, batch }: { streams: boolean; batch: boolean },
  ) {
    this.#host = host
    this.#session = session
    this.#caller = caller
    this.streams = streams
    this.shared = batch
  }

  /** Runs the requests. The reply is there at once when every handler returned at once. */
  run(requests: readonly JsonRpcRequest[]): Reply | Promise<Reply> {
    const [host, session, caller] = [this.#host, this.#session, this.#caller]
    for (const request of requests) this.#calls.push(new Call({ host, session, caller, request, carrier: this }))
    for (const call of this.#calls) call.start()
    this.#tryJson()
    return this.#reply.take()
  }

  settled(call: Call): void {
    const successor = this.#successors?.get(call)
    if (successor) giveResponse(successor, call.text)
    else this.#tryJson()
  }

  sessionGone(): void {
    this.#reply.give(sessionNotFound())
  }

  /** Answers with JSON if every call is over and none has begun a stream. */
  #tryJson(): void {
    if (this.#response || this.#reply.isGiven || !this.#calls.every((call) => call.over)) return
    const [only] = this.#calls
    if (!this.shared && only?.text !== undefined) return this.#reply.give(this.#json(only.text))
    const texts = this.#calls.flatMap((call) => call.text ?? [])
    const body = this.shared ? `[${texts.join(',')}]` : texts[0]
    if (body !== undefined && texts.length > 0) this.#reply.give(this.#json(body))
    // Every call was cancelled: there is no response to give.
    else if (this.streams) this.#reply.give({ kind: 'stream', source: emptyStream })
    else this.#reply.give({ kind: 'empty', status: 202 })
  }

  #json(body: string): Reply {
    // A batch has one status for all of its calls.
    const [only] = this.#calls
    if (this.shared || !only?.full) {
      return { kind: 'json', status: 200, body, bytes: this.shared ? undefined : only?.bytes }
    }
    return { kind: 'json', status: 429, body, headers: TRY_SOON }
  }

  beginStream(): void {
    if (this.#response || this.#reply.isGiven || !this.streams) return
    const response = openResponse(this.#host.instance, this.#session, this.#caller)
    this.#response = response
    // A call that was cancelled before has nothing to send.
    const sending = this.#calls.filter((call) => !call.over || call.text !== undefined)
    const opened = sending.map((call) => this.#add(call, response))
    response.begin()
    // No event id leaves before the store has the calls: the priming event waits for their registration.
    void Promise.all(opened).then((states) => this.#answer(states, response))
  }

  #add(call: Call, response: SseResponse): Promise<Opened> {
    if (!call.hasResponse) {
      const opened = call.connect(response)
      call.openStream()
      return opened
    }
    // The store has forgotten the call, or is about to: a new call carries its response through the log.
    const successor = call.successor()
    const opened = successor.connect(response)
    if (call.over) giveResponse(successor, call.text)
    else {
      this.#successors ??= new Map()
      this.#successors.set(call, successor)
    }
    return opened
  }

  #answer(states: Opened[], response: SseResponse): void {
    const none = states.every((state) => state === 'cancelled')
    if (!states.includes('gone') && !none) return this.#reply.give({ kind: 'stream', source: response })
    response.detached()
    if (states.includes('gone')) this.sessionGone()
    else this.#reply.give({ kind: 'stream', source: emptyStream })
  }
}

/** Has a successor carry a response; undefined: its call was cancelled, and there is none. */
function giveResponse(successor: Call, text: string | undefined): void {
  if (text === undefined) return successor.cancel()
  successor.openStream()
  successor.respond(text)
}
