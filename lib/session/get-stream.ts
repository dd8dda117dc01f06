/**
 * The session's own stream, and how list changes and resource updates reach it. The store has one list of all changes.
 * Each session has a position in that list, which moves in the same step that adds notifications to the session's log. So
 * each change is sent once, on one stream, by the instance that holds the stream, and changes that were made while no
 * connection held it are sent when the next one does.
 */

import type { HeldBytes } from '../base/byte-budget.ts'
import { around } from '../base/ids.ts'
import { UriSet } from '../protocol/uri.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Mail } from '../runtime/mail.ts'
import { tooManyBytes } from '../runtime/refusals.ts'
import { tagOf } from '../store/names.ts'
import {
  type Advance,
  type Change,
  type ChangeEntry,
  comparePositions,
  type Kept,
  type LogEntry,
  type Owner,
} from '../store/store.ts'
import type { CallHost } from './call/host.ts'
import { Hearing } from './hearing.ts'
import { LIST_CHANGED, MISSED, updatedText } from './stream/change-texts.ts'
import { Connection } from './stream/connection.ts'
import { Delivered } from './stream/delivered.ts'
import { GET_STREAM } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'
import type { SseResponse } from './stream/sse-response.ts'

/** After so many changes that do not concern the session its position moves nevertheless. */
const PASSED = 256

export class GetConnection extends Connection {
  /** Where the session stands in the list of changes, as far as this connection knows. */
  #at: string | undefined
  #subscribed = new UriSet()
  /** Counts the URIs of the subscriptions. */
  readonly #held: HeldBytes
  #heldBytes = 0
  /** Subscriptions that changed since the store was asked for them. */
  #news: { uri: string; on: boolean }[] = []
  #waiting: ChangeEntry[] = []
  #advancing = false
  #begun = false
  /** The store has subscriptions of the session: the mail about the first one may be lost. */
  #isSubscribed: true | undefined
  /** The calls that are relayed to this stream, and the owner of each (HTTP+SSE). */
  #calls: { stream: string; owner: Owner }[] = []

  readonly #principal: string
  readonly #delivered: Delivered
  /** Changes that do not concern the session, since its position last moved. */
  #passed = 0
  readonly #hearing: Hearing

  constructor(host: CallHost, session: Session, response: SseResponse, caller: Caller) {
    super(host.instance, session, GET_STREAM, response, host.takeOverFor(caller))
    this.#held = host.instance.memory.hold(caller.client)
    this.#principal = caller.principal
    this.#delivered = new Delivered(host.instance, session, this.holder, caller.client)
    this.#hearing = new Hearing(host, session, caller)
  }

  protected override mayDeliver(data: string): boolean {
    return this.#hearing.permits(data)
  }

  override deliver(entry: LogEntry, bounded?: boolean): void {
    super.deliver(entry, bounded)
    if (this.position().n === entry.n) this.#delivered.add(entry.n, entry.data.length)
  }

  protected override reportKept(kept: Kept & { subscribed?: true | undefined }): void {
    this.#delivered.report(kept)
    this.#isSubscribed = kept.subscribed
  }

  protected override sessionGone(): void {
    this.#delivered.sessionGone()
  }

  /**
   * Sends the changes that were made while no connection held the stream. `lost`: the log no longer reaches back.
   * @throws Refusal 503 where the instance cannot keep the URIs of the subscriptions
   */
  async begin(lost: boolean): Promise<void> {
    const { store, options } = this.instance
    const { key } = this.session
    this.#news = []
    const [at, uris] = await Promise.all([store.changePosition(key), store.subscriptions(key)])
    const bytes = uris.reduce((sum, uri) => sum + uri.length, 0)
    if (!this.#held.grow(bytes)) throw tooManyBytes()
    this.#heldBytes = bytes
    this.#subscribe(uris)
    this.#at = at
    if (at !== undefined) {
      const missed = await store.changesAfter(at)
      if (lost || missed.trimmed) await this.#announceAll(at, missed.entries.at(-1)?.at ?? at)
      else this.#waiting.unshift(...missed.entries)
    }
    this.#begun = true
    const delivered = this.#advance()
    if (options.getPolicy !== 'poll' || this.session.legacy) return
    const wait = () => this.instance.clock.after(options.pollWait, () => this.closeWith(around(options.pollRetry)))
    // A slow store takes nothing from the wait: what the client came for is delivered first.
    if (delivered) void delivered.then(wait)
    else wait()
  }

  override receive(mail: Mail): void {
    if (mail.t !== 'subscription') return super.receive(mail)
    this.#news.push(mail)
    const { size } = this.#subscribed
    if (mail.on) this.#subscribed.add(mail.uri)
    else this.#subscribed.delete(mail.uri)
    this.#hearing.grant(mail.uri, mail.on)
    this.#count((this.#subscribed.size - size) * mail.uri.length)
  }

  protected override left(): void {
    this.#held.release()
  }

  /** The bytes of the subscribed URIs have changed by so many. */
  #count(bytes: number): void {
    if (!this.done) this.#held.change(bytes)
    this.#heldBytes += bytes
  }

  override changes(entries: ChangeEntry[]): void {
    // Changes of others cost nothing, but for a step of many at once: the list would end behind the session's position.
    this.#waiting.push(...entries.filter(({ change }) => this.#concerns(change) || ++this.#passed >= PASSED))
    if (this.#begun) this.#advance()
  }

  /** HTTP+SSE: every call of the session is relayed to this stream, so that this connection watches their owners. */
  async findOwners(): Promise<void> {
    if (!this.session.legacy || this.done) return
    this.#calls = await this.instance.store.calls(this.session.key)
    for (const { stream, owner } of this.#calls) if (owner === '') this.takeOver(stream, '')
  }

  override *owners(): Iterable<Owner> {
    for (const { owner } of this.#calls) if (owner !== '') yield owner
  }

  override ownerLost(owner: Owner): void {
    for (const call of this.#calls) if (call.owner === owner) this.takeOver(call.stream, owner)
  }

  override beat(): void {
    super.beat()
    this.#delivered.beat()
    if (this.#begun && this.#waiting.length > 0) this.#advance()
  }

  protected override async compare(): Promise<void> {
    await super.compare()
    // Mail about subscriptions may be lost, too. Only few sessions subscribe and cost this round trip.
    if ((this.#subscribed.size === 0 && !this.#isSubscribed) || this.done) return
    this.#news = []
    await this.instance.store.subscriptions(this.session.key).then(
      (uris) => this.#subscribe(uris),
      (error) => this.instance.report(error),
    )
  }

  /** Takes the subscriptions from the store, and what mail has changed since it was asked. */
  #subscribe(uris: string[]): void {
    // Mail about a subscription may have been lost: one that was not there before is new.
    const before = new Set(this.#subscribed)
    if (this.#begun) for (const uri of uris) if (!before.has(uri)) this.#hearing.grant(uri, true)
    this.#subscribed = new UriSet(uris)
    for (const { uri, on } of this.#news.splice(0)) {
      if (on) this.#subscribed.add(uri)
      else this.#subscribed.delete(uri)
    }
    let bytes = 0
    for (const uri of this.#subscribed) bytes += uri.length
    this.#count(bytes - this.#heldBytes)
  }

  #concerns(change: Change): boolean {
    return this.#isForUs(change) && (change.kind !== 'updated' || this.#subscribed.spellings(change).size > 0)
  }

  #isForUs({ to }: Change): boolean {
    return to === undefined || to === this.#principal
  }

  /** The log has a gap that cannot be filled: everything is announced, once, and the session stands at `to` then. */
  async #announceAll(from: string, to: string): Promise<void> {
    const all = [MISSED, LIST_CHANGED.tools, LIST_CHANGED.prompts, LIST_CHANGED.resources]
    const reply = await this.#step(from, to, [...all, ...[...this.#subscribed].map(updatedText)], [])
    if (reply.status === 'gone') return this.finish(true)
    // Another connection holds the stream, and announces it.
    if (reply.status !== 'ok') return this.look()
    this.#at = to
    for (const entry of reply.entries) this.deliver(entry)
  }

  /** Moves the session's position from one change to another, and adds the notifications of those between to its log. */
  #step(from: string, to: string, messages: string[], updates: Advance['updates']) {
    const { holder, instance } = this
    const tag = tagOf(`${from} ${to}`)
    return instance.store.advance(this.session.key, { holder, tag, from, to, messages, updates })
  }

  protected override caughtUp(): void {
    super.caughtUp()
    if (this.#begun && this.#waiting.length > 0) this.#advance()
  }

  /** Delivers the changes that wait. The promise is undefined where there is nothing to wait for, and never rejects. */
  #advance(): Promise<void> | undefined {
    if (this.#advancing || this.done || this.isBehind) return undefined
    this.#advancing = true
    return this.instance.turns
      .run(() => this.#run())
      .then(
        () => {
          this.#advancing = false
          if (this.#waiting.length > 0) this.#advance()
        },
        (error) => {
          this.#advancing = false
          this.instance.report(error)
        },
      )
  }

  async #run(): Promise<void> {
    const { store } = this.instance
    while (!this.done) {
      const from = this.#at
      // Changes that `begin` reads and changes that are received meanwhile overlap, in any order.
      const entries = this.#waiting
        .filter((entry) => from === undefined || comparePositions(entry.at, from) > 0)
        .sort((a, b) => comparePositions(a.at, b.at))
      this.#waiting = []
      const last = entries.at(-1)
      if (!last || from === undefined) return
      this.#passed = 0
      const ours = entries.filter(({ change }) => this.#isForUs(change))
      const kinds = new Set(ours.map(({ change }) => change.kind))
      // A single notification of each kind is enough.
      const updates = new Map<string, string>()
      for (const { at, change } of ours) {
        if (change.kind !== 'updated') continue
        // The store leaves out what the session is not subscribed to, which this connection may not know yet.
        for (const uri of [change.uri, ...this.#subscribed.spellings(change)]) updates.set(uri, at)
      }
      const step = this.#step(
        from,
        last.at,
        (['tools', 'prompts', 'resources'] as const).filter((k) => kinds.has(k)).map((k) => LIST_CHANGED[k]),
        [...updates].map(([uri, at]) => ({ uri, at, message: updatedText(uri) })),
      )
      const reply = await step.catch((error) => {
        this.#waiting.unshift(...entries)
        throw error
      })
      if (reply.status === 'ok') {
        this.#at = last.at
        for (const entry of reply.entries) this.deliver(entry)
      } else if (reply.status === 'gone') {
        return this.finish(true)
      } else {
        // Another connection holds the stream, or the reply to a step that was done was lost: read log and position.
        this.look()
        const at = await store.changePosition(this.session.key)
        if (at === undefined || at === from) return
        this.#at = at
        this.#waiting.unshift(...entries)
      }
    }
  }
}
