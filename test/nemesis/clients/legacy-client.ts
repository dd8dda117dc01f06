/** A client of HTTP+SSE (2024-11-05): one stream for everything, and the session ends with it. */
import { sessionKey } from '../../../lib/session/stream/session.ts'
import type { Call, Session } from '../history.ts'
import type { Random } from '../random.ts'
import { Broken, type Message, type Reply } from './http.ts'
import { Inbox } from './inbox.ts'
import {
  argumentsOf,
  drawWish,
  NO_ASKS,
  newCall,
  newSession,
  pause,
  settleOpen,
  type Wish,
  type World,
} from './world.ts'

export class LegacyClient {
  readonly #world: World
  readonly #random: Random
  readonly #name: string
  #session: Session
  #inbox: Inbox
  #address = ''
  #open = false
  #reply: Reply | undefined
  #next = 0
  #ready = false
  #initialized: (() => void) | undefined
  #waiters = new Set<() => void>()

  constructor(world: World, random: Random, name: string) {
    this.#world = world
    this.#random = random
    this.#name = name
    this.#session = newSession(name, '2024-11-05', world.now())
    this.#inbox = new Inbox(world, this.#session)
  }

  async live(): Promise<void> {
    for (let n = 1; this.#world.running; n++) {
      const actions = this.#random.whole(4, 40)
      const opened = await this.#openStream(`${this.#name}.${n}`)
      if (!opened) {
        await pause(300)
        continue
      }
      const running = new Set<Promise<void>>()
      for (let i = 0; i < actions && this.#open && this.#world.running; i++) {
        await pause(this.#random.pause(this.#world.think))
        const wish = drawWish(this.#random, this.#world.mix, { ...NO_ASKS, paused: 0 })
        if (!this.#open || !this.#world.running) break
        if (running.size >= 4) await Promise.race(running)
        const work = this.#call(wish).finally(() => running.delete(work))
        running.add(work)
      }
      await Promise.all(running)
      this.#end()
    }
  }

  #end(): void {
    if (this.#open) this.#session.deletion ??= { sent: this.#world.now() }
    this.#reply?.drop()
  }

  /** Resolves once the session is initialized. */
  async #openStream(name: string): Promise<boolean> {
    const { http, now, silence, sessions } = this.#world
    const session = newSession(name, '2024-11-05', now())
    this.#session = session
    this.#inbox = new Inbox(this.#world, session)
    let reply: Reply
    try {
      reply = await http.send({
        method: 'GET',
        path: '/sse',
        headers: { accept: 'text/event-stream' },
        patience: silence,
      })
      if (reply.status !== 200) {
        const text = await reply.text()
        if (reply.status !== 503) session.odd.push({ at: now(), what: 'GET /sse', status: reply.status, text })
        if (session.odd.length > 0) sessions.push(session)
        return false
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      return false
    }
    this.#reply = reply
    this.#ready = false
    this.#open = true
    const ready = new Promise<boolean>((resolve) => {
      this.#initialized = () => resolve(true)
      void this.#read(reply, session).finally(() => resolve(false))
    })
    return ready
  }

  async #read(reply: Reply, session: Session): Promise<void> {
    const inbox = this.#inbox
    try {
      for await (const event of reply.events()) {
        if (event.event === 'endpoint') void this.#initialize(event.data ?? '', session)
        else if (event.data) {
          const message = JSON.parse(event.data) as Message
          if (message.id === 'init') {
            this.#ready = true
            this.#initialized?.()
            this.#wake()
          } else {
            const ask = inbox.take(message, inbox.all)
            if (ask) void this.#answer(ask.call, ask.id, session)
            this.#wake()
          }
        }
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    this.#open = false
    settleOpen(this.#world, inbox.open, 'broken', { text: 'The stream of the session ended.' })
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake()
  }

  async #initialize(address: string, session: Session): Promise<void> {
    this.#address = address
    const id = new URL(address, 'http://localhost').searchParams.get('sessionId') ?? ''
    Object.assign(session, { key: sessionKey('', id), opened: this.#world.now() })
    this.#world.sessions.push(session)
    const params = {
      protocolVersion: '2024-11-05',
      // The forms that the tools ask for come with later revisions only.
      capabilities: {},
      clientInfo: { name: 'nemesis', version: '1' },
    }
    const status = await this.#post({ jsonrpc: '2.0', id: 'init', method: 'initialize', params }, session)
    if (status !== 202) return this.#reply?.drop()
    await this.#changed(this.#world.limits.callPatience, () => this.#ready || !this.#open)
    if (this.#ready || !this.#open) return
    session.odd.push({ at: this.#world.now(), what: 'initialize', status: 0, text: 'no response came' })
    this.#reply?.drop()
  }

  /** The status; undefined where the connection broke. */
  async #post(body: object, session: Session): Promise<number | undefined> {
    const { http, now, silence } = this.#world
    const sent = now()
    try {
      const headers = { accept: 'application/json' }
      const reply = await http.send({ method: 'POST', path: this.#address, headers, body, patience: silence })
      const text = await reply.text()
      if (reply.status === 202) session.used = sent
      if (reply.status === 404) session.lost ??= { at: now(), sent, what: 'POST' }
      else if (![202, 503].includes(reply.status)) {
        session.odd.push({ at: now(), what: 'POST', status: reply.status, text })
      }
      return reply.status
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      return undefined
    }
  }

  async #call(wish: Wish): Promise<void> {
    const world = this.#world
    const session = this.#session
    const id = ++this.#next
    const call = newCall(world, session, id, { ...wish, asks: 0 })
    this.#inbox.add(id, call)
    if (wish.cancelAfter !== undefined) void this.#cancel(id, call, wish.cancelAfter, session)
    const params = { name: wish.tool, arguments: argumentsOf(call, wish), _meta: { progressToken: call.call } }
    const status = await this.#post({ jsonrpc: '2.0', id, method: 'tools/call', params }, session)
    if (status === 404) return settleOpen(world, [call], 'gone', { status })
    if (status !== undefined && status !== 202) return settleOpen(world, [call], 'refused', { status })
    // A POST that broke may have arrived: then the response comes on the stream.
    const until = world.now() + (status === 202 ? world.limits.callPatience : 2 * world.limits.storePatience)
    while (call.outcomes.length === 0) {
      if (!this.#open || session !== this.#session) return settleOpen(world, [call], 'broken')
      const left = until - world.now()
      if (left <= 0) {
        const cancelled = call.cancel !== undefined
        return settleOpen(world, [call], cancelled ? 'given up' : status === 202 ? 'hung' : 'broken')
      }
      // A cancelled call has no response: there is nothing to wait for.
      await this.#changed(Math.min(left, call.cancel ? 3_000 : left))
      if (call.cancel?.acknowledged !== undefined && world.now() - call.cancel.acknowledged > 3_000) {
        return settleOpen(world, [call], 'given up')
      }
    }
  }

  /** Resolves with the next message, or after so many ms; with `until`, once that is so. */
  async #changed(ms: number, until: () => boolean = () => true): Promise<void> {
    const end = this.#world.now() + ms
    do {
      await this.#woken(Math.max(0, end - this.#world.now()))
    } while (!until() && this.#world.now() < end)
  }

  #woken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiters.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#waiters.add(done)
    })
  }

  async #cancel(id: number, call: Call, after: number, session: Session): Promise<void> {
    await pause(after)
    if (call.outcomes.length > 0 || !this.#open || session !== this.#session) return
    call.cancel = { sent: this.#world.now(), resumable: call.received.length > 0 }
    const params = { requestId: id, reason: 'nemesis' }
    const status = await this.#post({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, session)
    if (status === 202) call.cancel.acknowledged = this.#world.now()
    this.#wake()
  }

  async #answer(call: Call, ask: string, session: Session): Promise<void> {
    const value = `${ask}:${call.call}`
    const answer: Call['answers'][number] = { ask, value, sent: this.#world.now() }
    call.answers.push(answer)
    const body = { jsonrpc: '2.0', id: ask, result: { action: 'accept', content: { value } } }
    if ((await this.#post(body, session)) === 202) answer.acknowledged = this.#world.now()
  }
}
