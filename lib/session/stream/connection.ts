/**
 * A live connection to one stream: its holder, while the store names it so. It delivers the stream's entries in order and
 * each once, whether they come from a run in this process, by mail, or from the log.
 */
import { around, randomId } from '../../base/ids.ts'
import { features } from '../../protocol/revisions.ts'
import type { HeldConnection } from '../../runtime/held.ts'
import type { Instance } from '../../runtime/instance.ts'
import { lifetimeOf } from '../../runtime/lifetime.ts'
import type { Mail } from '../../runtime/mail.ts'
import { tokenOf } from '../../runtime/name.ts'
import type { Holder, LogEntry, Owner, TakeReply } from '../../store/store.ts'
import { type EventPosition, GET_STREAM } from './event-id.ts'
import { PacedReader } from './paced-reader.ts'
import type { Session } from './session.ts'
import type { ResponseMember, SseResponse } from './sse-response.ts'

/** Takes over the call of a stream whose owner is dead or has released it, for the client that waits. */
export type TakeOver = (connection: Connection, stream: string, owner: Owner) => void
type Followed = Pick<Extract<TakeReply, { status: 'ok' }>, 'owner' | 'ended' | 'suspended'>
const FIRST_POLL = 1_000 // ms until the client of a suspended call comes back

export class Connection extends PacedReader implements HeldConnection, ResponseMember {
  readonly token: string
  readonly holder: Holder
  readonly session: Session
  readonly stream: string
  protected readonly instance: Instance
  readonly #takeOver: TakeOver
  #n = 0
  #tag = ''
  #done = false
  /** The store has named this connection the holder. Until then nothing is delivered and nothing compared. */
  #confirmed = false
  /** The run that the store last named as the owner of the stream's call. */
  #owner: Owner | undefined
  /** An entry came whose number was delivered before under another tag. Nothing is delivered but by the store. */
  #doubtful = false
  #looking = false
  #lookAgain = false
  /** The last message of the stream was sent. */
  #sent = false

  constructor(
    instance: Instance,
    session: Session,
    stream: string,
    response: SseResponse,
    takeOver: TakeOver,
    token: string = randomId(6),
  ) {
    super(response)
    this.token = token
    this.instance = instance
    this.session = session
    this.stream = stream
    this.holder = instance.name(this.token)
    this.#takeOver = takeOver
    response.add(this)
  }

  get done(): boolean {
    return this.#done
  }

  /** Enters the instance's table, before the store names this connection: mail that overtakes the reply must find it. */
  open(): void {
    this.instance.add('connection', this)
  }

  position(): EventPosition {
    return { stream: this.stream, n: this.#n, tag: this.#tag }
  }

  /** Sets the position after which this connection delivers. */
  startAt(n: number, tag: string): void {
    this.#n = n
    this.#tag = tag
  }

  /** The store names this connection the holder. */
  confirm(): void {
    // The connection closed while `take` or `register` was in flight, so its release was rejected. Release it again.
    if (this.#done && !this.#confirmed) this.#release()
    this.#confirmed = true
    if (!this.#lookAgain || this.#looking) return
    this.#lookAgain = false
    this.look()
  }

  /** Delivers what `take` has read, and watches the stream's owner. */
  deliverTaken(reply: Extract<TakeReply, { status: 'ok' }>): void {
    if (reply.previous !== undefined && reply.previous !== this.holder) {
      void this.instance.send({ t: 'look', to: reply.previous })
    }
    if (this.#done) return this.confirm()
    this.#confirmed = true
    this.#deliverAll(reply.entries)
    this.#follow(reply)
    this.confirm()
    // The shutdown began while the store was asked.
    if (this.instance.draining) this.drain()
  }

  /** Delivers an entry that the log has, unless it was delivered before. */
  deliver(entry: LogEntry, bounded = true): void {
    if (this.#done) return
    if (this.#confirmed && entry.n <= this.#n) {
      // Old mail, or a failover has rolled the log back and its numbers are given again: the store knows.
      if (entry.tag === this.#tag) return
      this.#doubtful = true
      return this.look()
    }
    // Mail was lost, and the log has the entries that are missing.
    if (!this.#confirmed || this.#doubtful || (entry.n > this.#n + 1 && !this.isBehind)) return this.look()
    if (this.keep(entry, this.#n, bounded)) return
    this.#n = entry.n
    this.#tag = entry.tag
    const { data, final } = entry
    const isMessage = data !== '' && this.mayDeliver(data)
    if (!final) return isMessage ? this.response.message(data) : undefined
    if (isMessage) this.response.last(this, data)
    else this.response.forget(this)
    this.#sent = !this.#done
    this.finish()
  }

  /** Delivers what was read from the log. */
  #deliverAll(entries: LogEntry[]): void {
    for (const entry of entries) if (this.isBehind || entry.n <= this.#n + 1) this.deliver(entry, false)
  }

  receive(mail: Mail): void {
    if (mail.t === 'entries') {
      const last = mail.data.length - 1
      mail.data.forEach((data, i) => {
        this.deliver({ n: mail.n + i, tag: mail.tag, data, final: mail.final && i === last })
      })
    } else if (mail.t === 'look') this.look()
    else if (mail.t === 'close') this.closeWith(mail.retry)
    else if (mail.t === 'gone') this.finish(true)
  }

  /** Reads in the store what mail may have lost: entries, a newer holder, a released call, the end of the session. */
  look(): void {
    void this.#look()
  }

  async #look(): Promise<void> {
    if (this.#looking || !this.#confirmed) {
      this.#lookAgain = true
      return
    }
    if (this.#done) return
    this.#looking = true
    const { store, options } = this.instance
    const lifetime = lifetimeOf(this.session, options)
    const position = this.position()
    await store
      .look(this.session.key, this.stream, this.holder, position, lifetime, options.maxLifetime)
      .then((reply) => {
        if (this.#done) return
        if (reply.status === 'gone') return this.finish(true)
        // The log was trimmed beyond the position, perhaps, while the question was on its way.
        if (reply.status === 'moved' && this.#n > position.n) return this.look()
        if (reply.status === 'moved') return this.#replaced()
        this.reportKept(reply)
        // The question was sent before the doubt. The next one is about to be sent.
        if (this.#doubtful && this.#lookAgain) return
        if (this.isBehind) this.missed = true
        else {
          this.#doubtful = false
          this.#deliverAll(reply.entries)
        }
        this.#follow(reply)
      })
      .catch((error) => this.instance.report(error))
      .finally(() => {
        this.#looking = false
        if (this.#lookAgain) {
          this.#lookAgain = false
          this.look()
        }
      })
  }

  #follow({ owner, ended, suspended }: Followed): void {
    if (this.#done || this.stream === GET_STREAM) return
    if (ended && owner === undefined) {
      this.missed = this.isBehind
      return this.missed ? undefined : this.finish()
    }
    this.#owner = owner
    if (suspended) return this.closeWith(around(FIRST_POLL))
    if (owner === '') this.#takeOver(this, this.stream, '')
    else if (owner !== undefined && this.instance.isHere(owner) && !this.instance.calls.has(tokenOf(owner))) {
      // The store names a run of this instance as the owner, and there is none: the reply to a claim was lost.
      this.#takeOver(this, this.stream, owner)
    }
  }

  *owners(): Iterable<Owner> {
    if (this.#owner) yield this.#owner
  }

  ownerLost(owner: Owner): void {
    if (this.#owner === owner) this.takeOver(this.stream, owner)
  }

  /** Takes over a call of this client. */
  protected takeOver(stream: string, owner: Owner): void {
    this.#takeOver(this, stream, owner)
  }

  beat(): void {
    if (this.#done) return
    this.response.comment()
    if (this.isBehind) this.missed = true
    if (this.#beating || this.isBehind) return
    this.#beating = true
    void this.instance.turns
      .run(() => this.compare())
      .finally(() => {
        this.#beating = false
      })
  }
  /** The comparison of a heartbeat waits for its turn, or is under way. */
  #beating = false

  /** Compares with the store what mail may have lost. It reports its failures, and never rejects. */
  protected compare(): Promise<void> {
    return this.#look()
  }

  /** A newer connection holds the stream: this client stays away. Or a failover has changed the log: it is told soon. */
  #replaced(): void {
    if (this.#done) return
    this.#leave(false)
    this.response.closeWith(around(this.instance.options[this.#doubtful ? 'retry' : 'replacedRetry']))
  }

  /** Ends the response with this `retry` (ms). The stream goes on. */
  closeWith(retry: number): void {
    if (this.#done) return
    this.#leave(true)
    this.response.closeWith(retry)
  }

  /** Ends the response with a message that no log has: there is no log, or the store cannot be reached. */
  fail(data: string): void {
    if (this.#done) return
    this.response.last(this, data)
    this.finish()
  }

  /** The stream has ended, and the store may never have had it: no event id names it any longer. */
  vanish(): void {
    this.response.forget(this)
    this.finish()
  }

  /** The stream has ended; `gone`: with its session. */
  finish(gone = false): void {
    if (this.#done) return
    if (gone) this.sessionGone()
    this.#leave(true)
    this.response.memberDone()
  }

  abandoned(): void {
    this.#leave(true)
  }

  #leave(release: boolean): void {
    if (this.#done) return
    this.#done = true
    this.instance.remove(this)
    this.left()
    if (release) this.#release()
  }

  #release(): void {
    const { store, retry, turns } = this.instance
    const release = () => turns.run(() => store.release(this.session.key, this.stream, this.holder, this.#sent))
    // A call's stream ends, and its holder would stay: that is done later where the store is away. A session has one GET stream.
    void (this.stream === GET_STREAM ? this.instance.track(release()) : this.instance.during(retry.now(release)))
  }

  drain(): void {
    const { options, connections } = this.instance
    // The clients of all GET streams come back to the instances that stay. The more there are, the longer that takes.
    if (this.stream === GET_STREAM) this.closeWith(around(options.retry + connections.size))
    else if (features(this.session.revision).streamsMayPause) this.closeWith(around(options.retry))
  }

  close(): void {
    this.closeWith(around(this.instance.options.retry))
  }
}
