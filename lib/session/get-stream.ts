/**
 * The session's own stream, and how list changes and resource updates reach it. All changes are one list in the store;
 * each session has a position in it, which moves in the same step that adds the notifications to the session's log.
 * So each is told once, on one stream, by whichever instance holds it, and what came while nobody held it is made up
 * for when somebody does.
 */
import { notificationText } from '../protocol/jsonrpc.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Mail } from '../runtime/mail.ts'
import type { Advance, Change, ChangeEntry, Owner } from '../store/store.ts'
import { comparePositions } from '../store/store.ts'
import type { Adopt } from './stream/connection.ts'
import { Connection } from './stream/connection.ts'
import { GET_STREAM } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'
import type { Feed } from './stream/sse-response.ts'

const LIST_CHANGED = {
  tools: notificationText('notifications/tools/list_changed'),
  prompts: notificationText('notifications/prompts/list_changed'),
  resources: notificationText('notifications/resources/list_changed'),
}

export function updatedText(uri: string): string {
  return notificationText('notifications/resources/updated', { uri })
}

const MISSED = notificationText('notifications/message', {
  level: 'warning',
  logger: 'mcp',
  data: 'Messages were missed on this stream. Everything that may have changed is announced again.',
})

export class GetConnection extends Connection {
  /** Where the session stands in the list of changes, as far as this connection knows. */
  #at: string | undefined
  #subscribed = new Set<string>()
  #news: { uri: string; on: boolean }[] = []
  #waiting: ChangeEntry[] = []
  #advancing = false
  #begun = false
  /** Calls that speak through this stream, and who runs each (HTTP+SSE). */
  #calls: { stream: string; owner: Owner }[] = []

  constructor(instance: Instance, session: Session, feed: Feed, adopt: Adopt) {
    super(instance, session, GET_STREAM, feed, adopt)
  }

  /** Makes up for what was missed while nobody held the stream; `lost`: and for a log that no longer reaches back. */
  async begin(lost: boolean): Promise<void> {
    const { store, options } = this.instance
    const { key } = this.session
    this.#news = []
    const [at, uris] = await Promise.all([store.changePosition(key), store.subscriptions(key)])
    this.#subscribe(uris)
    this.#at = at
    if (at !== undefined) {
      const missed = await store.changesAfter(at)
      if (lost || missed.trimmed) await this.#announceAll(at, missed.entries.at(-1)?.at ?? at)
      else this.#waiting.unshift(...missed.entries)
    }
    this.#begun = true
    this.#advance()
    if (options.getPolicy === 'poll' && !this.session.legacy) {
      this.instance.clock.after(options.pollWait, () => this.closeWith(options.pollRetry))
    }
  }

  override receive(mail: Mail): void {
    if (mail.t !== 'subscription') return super.receive(mail)
    this.#news.push(mail)
    if (mail.on) this.#subscribed.add(mail.uri)
    else this.#subscribed.delete(mail.uri)
  }

  override changes(entries: ChangeEntry[]): void {
    this.#waiting.push(...entries.filter(({ change }) => this.#concerns(change)))
    if (this.#begun) this.#advance()
  }

  /** HTTP+SSE: every call of the session speaks through this stream, so its death is this connection's business. */
  async findOwners(): Promise<void> {
    if (!this.session.legacy || this.done) return
    this.#calls = await this.instance.store.calls(this.session.key)
    for (const { stream, owner } of this.#calls) if (owner === '') this.adopt(stream, '')
  }

  override *owners(): Iterable<Owner> {
    for (const { owner } of this.#calls) if (owner !== '') yield owner
  }

  override ownerLost(owner: Owner): void {
    for (const call of this.#calls) if (call.owner === owner) this.adopt(call.stream, owner)
  }

  override beat(): void {
    super.beat()
    if (this.#begun && this.#waiting.length > 0) this.#advance()
    // Its own round trip, and only for the few that subscribe: the store is the truth about subscriptions, too.
    if (this.#subscribed.size === 0 || this.done) return
    this.#news = []
    this.instance.store.subscriptions(this.session.key).then(
      (uris) => this.#subscribe(uris),
      (error) => this.instance.report(error),
    )
  }

  /** What the store said, and what mail said since it was asked. */
  #subscribe(uris: string[]): void {
    this.#subscribed = new Set(uris)
    for (const { uri, on } of this.#news.splice(0)) {
      if (on) this.#subscribed.add(uri)
      else this.#subscribed.delete(uri)
    }
  }

  #concerns(change: Change): boolean {
    return change.kind !== 'updated' || this.#subscribed.has(change.uri)
  }

  /** The log has a hole that cannot be filled. Told once: the session stands at `to` afterwards. */
  async #announceAll(from: string, to: string): Promise<void> {
    const all = [MISSED, LIST_CHANGED.tools, LIST_CHANGED.prompts, LIST_CHANGED.resources]
    const reply = await this.#step(from, to, [...all, ...[...this.#subscribed].map(updatedText)], [])
    if (reply.status === 'gone') return this.finish()
    // Moved: who holds the stream now tells it.
    if (reply.status !== 'ok') return this.look()
    this.#at = to
    for (const entry of reply.entries) this.deliver(entry)
  }

  /** Moves the session's position from one change to another, and adds what is told of those between to its log. */
  #step(from: string, to: string, messages: string[], updates: Advance['updates']) {
    const { holder, instance } = this
    const tag = instance.id.slice(0, 4)
    return instance.store.advance(this.session.key, { holder, tag, from, to, messages, updates })
  }

  #advance(): void {
    if (this.#advancing || this.done) return
    this.#advancing = true
    this.#run().then(
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
      // What is read when GET begins and what is heard meanwhile overlap, in any order.
      const entries = this.#waiting
        .filter((entry) => from === undefined || comparePositions(entry.at, from) > 0)
        .sort((a, b) => comparePositions(a.at, b.at))
      this.#waiting = []
      const last = entries.at(-1)
      if (!last || from === undefined) return
      const kinds = new Set(entries.map(({ change }) => change.kind))
      // One notice of each kind says as much as many.
      const updates = new Map<string, string>()
      for (const { at, change } of entries) if (change.kind === 'updated') updates.set(change.uri, at)
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
        return this.finish()
      } else {
        // Moved, or a reply was lost and the step was done: the log and the store's position tell.
        this.look()
        const at = await store.changePosition(this.session.key)
        if (at === undefined || at === from) return
        this.#at = at
        this.#waiting.unshift(...entries)
      }
    }
  }
}
