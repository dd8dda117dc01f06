/** A client of the revisions with sessions over Streamable HTTP: 2025-03-26, 2025-06-18 and 2025-11-25. */
import type { Call, Session } from '../history.ts'
import type { Random } from '../random.ts'
import { Broken, type Message, type Reply } from './http.ts'
import { Inbox } from './inbox.ts'
import { Listener } from './listener.ts'
import { resumeCalls } from './resume.ts'
import { ACCEPT, endSession, openSession } from './session-ends.ts'
import {
  argumentsOf,
  drawWish,
  NO_ASKS,
  newCall,
  newSession,
  pause,
  settleOpen,
  thinkingTime,
  URIS,
  type Wish,
  type World,
} from './world.ts'

/** Calls of a session at once. */
const AT_ONCE = 4
/** The revisions with elicitation. */
const ASKS = new Set(['2025-06-18', '2025-11-25'])

export class SessionClient {
  readonly #world: World
  readonly #random: Random
  readonly #name: string
  readonly #revision: string
  #session: Session
  #id = ''
  #inbox: Inbox
  #listener: Listener | undefined
  #next = 0
  #running = new Set<Promise<void>>()

  constructor(world: World, random: Random, name: string, revision: string) {
    this.#world = world
    this.#random = random
    this.#name = name
    this.#revision = revision
    this.#session = newSession(name, revision, world.now())
    this.#inbox = new Inbox(world, this.#session)
  }

  get session(): Session {
    return this.#session
  }

  /** Opens one session after the other, until the run is over. Resolves when the last one has no call any more. */
  async live(): Promise<void> {
    for (let n = 1; this.#world.running; n++) {
      const actions = this.#random.whole(4, 40)
      const [listens, waits] = [this.#random.chance(0.6), this.#random.chance(0.7)]
      if (!(await this.#open(`${this.#name}.${n}`))) return
      this.#listener = listens ? new Listener(this.#world, this.#session, this.#inbox, this.#headers()) : undefined
      const listening = this.#listener?.listen()
      if (listens) this.#session.listens = true
      for (let i = 0; i < actions && this.#usable; i++) await this.#act()
      if (this.#world.running) {
        // Some sessions end while calls run.
        if (waits) await Promise.all(this.#running)
        await this.end()
      }
      await Promise.all(this.#running)
      if (!this.#session.deletion && !this.#session.lost) {
        this.#session.restful = true
        return
      }
      this.#listener?.stop()
      await listening
    }
  }

  get #usable(): boolean {
    return this.#world.running && this.#session.lost === undefined
  }

  #headers(): Record<string, string> {
    return { accept: ACCEPT, 'mcp-session-id': this.#id, 'mcp-protocol-version': this.#revision }
  }

  /** False: the run is over. */
  async #open(name: string): Promise<boolean> {
    const opened = await openSession(this.#world, { name, revision: this.#revision })
    if (!opened) return false
    this.#session = opened.session
    this.#id = opened.id
    this.#inbox = new Inbox(this.#world, opened.session)
    await this.#notify('notifications/initialized')
    return true
  }

  async #act(): Promise<void> {
    const random = this.#random
    await pause(random.pause(this.#world.think))
    const kind = random.weighted({ call: 90, batch: this.#revision === '2025-03-26' ? 15 : 0, subscribe: 6, list: 4 })
    const weights = ASKS.has(this.#revision) ? {} : NO_ASKS
    const wishes = Array.from({ length: kind === 'batch' ? 3 : 1 }, () => drawWish(random, this.#world.mix, weights))
    const uri = random.of(URIS)
    if (!this.#usable) return
    if (this.#running.size >= AT_ONCE) await Promise.race(this.#running)
    if (kind === 'subscribe') await this.#subscribe(uri)
    else if (kind === 'list') await this.#request('tools/list')
    else this.#start(this.#call(wishes))
  }

  #start(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }

  // Calls ------------------------------------------------------------------------------------------------------

  async #call(wishes: readonly Wish[]): Promise<void> {
    const world = this.#world
    const session = this.#session
    const inbox = this.#inbox
    const batch = wishes.length > 1
    const calls: Call[] = []
    const messages = wishes.map((wish) => {
      const id = ++this.#next
      const call = newCall(world, session, id, ASKS.has(this.#revision) ? wish : { ...wish, asks: 0 })
      if (batch) call.batch = true
      if (wish.dropAfter !== undefined) call.drops = true
      inbox.add(id, call)
      calls.push(call)
      const meta = { progressToken: call.call }
      const params = { name: wish.tool, arguments: argumentsOf(call, wish), _meta: meta }
      return { id, call, wish, message: { jsonrpc: '2.0', id, method: 'tools/call', params } }
    })
    const position = { id: undefined as string | undefined }
    for (const { id, call, wish } of messages) {
      if (wish.cancelAfter !== undefined) this.#start(this.#cancel(id, call, wish.cancelAfter, position))
    }
    const drops = messages.map(({ wish }) => wish.dropAfter ?? 0).find((after) => after > 0)
    const body = batch ? messages.map(({ message }) => message) : messages[0]?.message
    const sent = world.now()
    let reply: Reply
    try {
      const patience = world.silence
      reply = await world.http.send({ method: 'POST', headers: this.#headers(), body, patience })
      if (reply.status === 200) session.used = Math.max(session.used, sent)
      if (reply.status === 200 && reply.isStream) {
        const headers = { ...this.#headers(), accept: 'text/event-stream' }
        const answer = (call: Call, ask: string) => this.#start(this.#answer(call, ask, session, this.#headers()))
        return await resumeCalls(world, session, inbox, calls, {
          reply,
          headers,
          answer,
          position,
          drops,
          random: this.#random,
        })
      }
      const text = await reply.text()
      if (reply.status === 200) {
        const parsed = JSON.parse(text) as Message | Message[]
        for (const message of [parsed].flat()) inbox.response(message, calls)
        // Responses of a batch are missing where calls were cancelled.
        settleOpen(world, calls, 'ended')
      } else if (reply.status === 202) settleOpen(world, calls, 'ended')
      else if (reply.status === 404) this.#lost(session, sent, 'call', calls)
      else {
        settleOpen(world, calls, 'refused', { status: reply.status, text })
        if (reply.status !== 503) session.odd.push({ at: world.now(), what: 'call', status: reply.status, text })
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      settleOpen(world, calls, 'broken', { text: error.message })
    }
  }

  #lost(session: Session, sent: number, what: string, calls: readonly Call[] = []): void {
    session.lost ??= { at: this.#world.now(), sent, what }
    settleOpen(this.#world, calls, 'gone', { status: 404 })
  }

  async #cancel(id: number, call: Call, after: number, position: { id: string | undefined }): Promise<void> {
    const session = this.#session
    await pause(after)
    if (call.outcomes.length > 0 || session.deletion) return
    call.cancel = { sent: this.#world.now(), resumable: position.id !== undefined }
    const status = await this.#notify('notifications/cancelled', { requestId: id, reason: 'nemesis' }, 1)
    if (status === 202) call.cancel.acknowledged = this.#world.now()
  }

  /** Answers an ask, again and again until the answer is acknowledged. */
  async #answer(call: Call, ask: string, session: Session, headers: Record<string, string>): Promise<void> {
    const { http, now, silence } = this.#world
    await pause(thinkingTime(this.#random, call, this.#world))
    const value = `${ask}:${call.call}`
    const answer: Call['answers'][number] = { ask, value, sent: now() }
    call.answers.push(answer)
    const body = { jsonrpc: '2.0', id: ask, result: { action: 'accept', content: { value } } }
    for (let attempt = 0; attempt < 40 && call.outcomes.length === 0 && !session.deletion; attempt++) {
      try {
        const sent = now()
        const reply = await http.send({ method: 'POST', headers, body, patience: silence })
        const text = await reply.text()
        if (reply.status === 202) {
          answer.acknowledged = now()
          return
        }
        if (reply.status === 404) return this.#lost(session, sent, 'answer')
        if (reply.status !== 503) session.odd.push({ at: now(), what: 'answer', status: reply.status, text })
      } catch (error) {
        if (!(error instanceof Broken)) throw error
      }
      await pause(300)
    }
  }

  // Other requests -----------------------------------------------------------------------------------------------

  async #notify(method: string, params?: object, attempts = 5): Promise<number | undefined> {
    return this.#send({ jsonrpc: '2.0', method, ...(params && { params }) }, method, attempts)
  }

  async #request(method: string, params: object = {}): Promise<number | undefined> {
    return this.#send({ jsonrpc: '2.0', id: ++this.#next, method, params }, method, 1)
  }

  async #send(body: object, what: string, attempts: number): Promise<number | undefined> {
    const { http, now, silence } = this.#world
    const session = this.#session
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await pause(300)
      const sent = now()
      try {
        const reply = await http.send({ method: 'POST', headers: this.#headers(), body, patience: silence })
        const text = await reply.text()
        if (reply.status === 404) this.#lost(session, sent, what)
        else if (![200, 202, 503].includes(reply.status)) {
          session.odd.push({ at: now(), what, status: reply.status, text })
        }
        if (reply.status === 200 && text.includes('"error"')) return 500
        // `initialized` does not extend the session.
        if (reply.status < 300 && what !== 'notifications/initialized') session.used = Math.max(session.used, sent)
        if (reply.status !== 503) return reply.status
      } catch (error) {
        if (!(error instanceof Broken)) throw error
      }
    }
    return undefined
  }

  async #subscribe(uri: string): Promise<void> {
    const session = this.#session
    if ((await this.#request('resources/subscribe', { uri })) !== 200) return
    session.subscriptions.push({ uri, acknowledged: this.#world.now() })
  }

  async end(): Promise<void> {
    const session = this.#session
    const headers = this.#headers()
    if (!(await endSession(this.#world, session, headers))) return
    this.#listener?.stop()
    if (this.#random.chance(0.3)) await this.#afterEnd(session, headers)
  }

  /** A session that was ended serves nothing. */
  async #afterEnd(session: Session, headers: Record<string, string>): Promise<void> {
    if (session.deletion?.acknowledged === undefined) return
    const { http, now, silence } = this.#world
    const body = { jsonrpc: '2.0', id: 'after', method: 'tools/list', params: {} }
    try {
      const reply = await http.send({ method: 'POST', headers, body, patience: silence })
      const text = await reply.text()
      if (reply.status !== 404 && reply.status !== 503) {
        session.odd.push({ at: now(), what: 'after DELETE', status: reply.status, text })
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
  }
}
