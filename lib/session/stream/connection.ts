/**
 * A live connection to one stream: its holder, while the store says so. It delivers the stream's entries in order and
 * each once, whether they come from a run in this process, by mail, or from the log.
 */
import { randomId } from '../../base/ids.ts'
import { isAtLeast } from '../../protocol/revisions.ts'
import type { HeldConnection, Instance } from '../../runtime/instance.ts'
import { tokenOf } from '../../runtime/instance.ts'
import type { Mail } from '../../runtime/mail.ts'
import { lifetimeOf } from '../../runtime/options.ts'
import type { ChangeEntry, Holder, LogEntry, Owner, TakeReply } from '../../store/store.ts'
import type { EventPosition } from './event-id.ts'
import { GET_STREAM } from './event-id.ts'
import type { Session } from './session.ts'
import type { Feed, FeedMember } from './sse-response.ts'

/** Takes over the call of a stream whose owner is dead or has released it, on behalf of the client that waits here. */
export type Adopt = (connection: Connection, stream: string, owner: Owner) => void

export class Connection implements HeldConnection, FeedMember {
  readonly token: string
  readonly holder: Holder
  readonly session: Session
  readonly stream: string
  readonly feed: Feed
  protected readonly instance: Instance
  readonly #adopt: Adopt
  #n = 0
  #tag = ''
  #done = false
  /** The store has named this connection the holder. Until then nothing is delivered and nothing compared. */
  #confirmed = false
  /** The run whose messages come here, if it is known. */
  #owner: Owner | undefined
  #looking = false
  #lookAgain = false

  constructor(
    instance: Instance,
    session: Session,
    stream: string,
    feed: Feed,
    adopt: Adopt,
    token: string = randomId(6),
  ) {
    this.token = token
    this.instance = instance
    this.session = session
    this.stream = stream
    this.feed = feed
    this.holder = instance.name(this.token)
    this.#adopt = adopt
    feed.add(this)
  }

  get done(): boolean {
    return this.#done
  }

  /** Enters the instance's table. Before the store names it: mail that overtakes the reply must find it. */
  open(): void {
    this.instance.add('connection', this)
  }

  position(): EventPosition {
    return { stream: this.stream, n: this.#n, tag: this.#tag }
  }

  /** Starts where the store says that this connection starts. Entries are delivered by {@link deliverTaken}. */
  startAt(n: number, tag: string): void {
    this.#n = n
    this.#tag = tag
  }

  /** The store names this connection the holder from now on. */
  confirm(): void {
    // It ended before the store knew it: what it said then went unheard.
    if (this.#done && !this.#confirmed) this.#release()
    this.#confirmed = true
    if (!this.#lookAgain || this.#looking) return
    this.#lookAgain = false
    this.look()
  }

  /** Delivers what `take` found, and looks after the stream's owner. */
  deliverTaken(reply: Extract<TakeReply, { status: 'ok' }>): void {
    if (reply.previous !== undefined && reply.previous !== this.holder) {
      this.instance.tell({ t: 'look', to: reply.previous })
    }
    if (this.#done) return this.confirm()
    this.#confirmed = true
    this.#deliverAll(reply.entries)
    this.#follow(reply.owner, reply.ended)
    this.confirm()
  }

  /** The run that appends to this stream is in this process and hands over what the log has. */
  deliver(entry: LogEntry): void {
    if (this.#done || (this.#confirmed && entry.n <= this.#n)) return
    // A number is missing: mail was lost. The log has it.
    if (!this.#confirmed || entry.n > this.#n + 1) return this.look()
    this.#n = entry.n
    this.#tag = entry.tag
    if (entry.data !== '') this.feed.message(entry.data)
    if (entry.final) this.finish()
  }

  #deliverAll(entries: LogEntry[]): void {
    for (const entry of entries) if (entry.n <= this.#n + 1) this.deliver(entry)
  }

  receive(mail: Mail): void {
    if (mail.t === 'entries') {
      const last = mail.data.length - 1
      mail.data.forEach((data, i) => {
        this.deliver({ n: mail.n + i, tag: mail.tag, data, final: mail.final && i === last })
      })
    } else if (mail.t === 'look') this.look()
    else if (mail.t === 'close') this.closeWith(mail.retry)
    else if (mail.t === 'gone') this.finish()
  }

  /** Compares with the store: what mail lost, a newer holder, a dead owner, the end of the session. */
  look(): void {
    if (this.#looking || !this.#confirmed) {
      this.#lookAgain = true
      return
    }
    if (this.#done) return
    this.#looking = true
    const { store, options } = this.instance
    const lifetime = lifetimeOf(this.session, options)
    store
      .look(this.session.key, this.stream, this.holder, this.position(), lifetime)
      .then((reply) => {
        if (this.#done) return
        if (reply.status === 'gone') return this.finish()
        if (reply.status === 'moved') return this.#replaced()
        this.#deliverAll(reply.entries)
        this.#follow(reply.owner, reply.ended)
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

  #follow(owner: Owner | undefined, ended: boolean): void {
    if (this.#done || this.stream === GET_STREAM) return
    if (ended && owner === undefined) return this.finish()
    this.#owner = owner
    if (owner === '') this.#adopt(this, this.stream, '')
    else if (owner !== undefined && this.instance.isHere(owner) && !this.instance.calls.has(tokenOf(owner))) {
      // The store says that a run of this instance owns the call, and there is none: a claim whose reply was lost.
      this.#adopt(this, this.stream, owner)
    }
  }

  *owners(): Iterable<Owner> {
    if (this.#owner) yield this.#owner
  }

  ownerLost(owner: Owner): void {
    if (this.#owner === owner) this.adopt(this.stream, owner)
  }

  /** Has a call claimed that belongs to this client. */
  protected adopt(stream: string, owner: Owner): void {
    this.#adopt(this, stream, owner)
  }

  beat(): void {
    if (this.#done) return
    this.feed.comment()
    this.look()
  }

  changes(_entries: ChangeEntry[]): void {}

  /** A newer connection holds the stream: this one ends, and asks its client not to come back soon. */
  #replaced(): void {
    if (this.#done) return
    this.#leave(false)
    this.feed.closeWith(this.instance.options.replacedRetry)
  }

  /** Ends the response and says when to come back; the stream goes on. */
  closeWith(retry: number): void {
    if (this.#done) return
    this.#leave(true)
    this.feed.closeWith(retry)
  }

  /** Ends with an error that is in no log: there is none, or it cannot be reached. */
  fail(data: string): void {
    if (this.#done) return
    this.feed.message(data)
    this.finish()
  }

  /** The stream has ended, with or without a last message. */
  finish(): void {
    if (this.#done) return
    this.#leave(true)
    this.feed.memberDone()
  }

  abandoned(): void {
    this.#leave(true)
  }

  #leave(release: boolean): void {
    if (this.#done) return
    this.#done = true
    this.instance.remove(this)
    if (release) this.#release()
  }

  #release(): void {
    const { store } = this.instance
    this.instance.track(store.release(this.session.key, this.stream, this.holder))
  }

  drain(): void {
    const mayClose = this.stream === GET_STREAM || isAtLeast(this.session.revision, '2025-11-25')
    if (mayClose) this.closeWith(this.instance.options.retry)
  }

  close(retry: number): void {
    this.closeWith(retry)
  }
}
