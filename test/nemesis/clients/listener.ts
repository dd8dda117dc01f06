/** Holds the session's own stream (GET), and comes back to it where it breaks. */
import type { Session } from '../history.ts'
import { Broken, type Message, type Reply } from './http.ts'
import type { Inbox } from './inbox.ts'
import { pause, type World } from './world.ts'

export class Listener {
  readonly #world: World
  readonly #session: Session
  readonly #inbox: Inbox
  readonly #headers: Record<string, string>
  #reply: Reply | undefined
  #stopped = false

  constructor(world: World, session: Session, inbox: Inbox, headers: Record<string, string>) {
    this.#world = world
    this.#session = session
    this.#inbox = inbox
    this.#headers = { ...headers, accept: 'text/event-stream' }
  }

  /** Resolves when the session has ended, or the listener is stopped. */
  async listen(): Promise<void> {
    let id: string | undefined
    while (!this.#stopped) {
      const { http, now, silence } = this.#world
      try {
        const headers = { ...this.#headers, ...(id !== undefined && { 'last-event-id': id }) }
        const sent = now()
        const reply = await http.send({ method: 'GET', headers, patience: silence })
        if (this.#stopped) return reply.drop()
        if (reply.status === 200) {
          this.#reply = reply
          for await (const event of reply.events()) {
            if (event.id !== undefined) id = event.id
            if (event.data) this.#inbox.take(JSON.parse(event.data) as Message, [])
          }
        } else {
          const text = await reply.text()
          if (reply.status === 404) {
            this.#session.lost ??= { at: now(), sent, what: 'GET' }
            return
          }
          if (reply.status !== 503) this.#session.odd.push({ at: now(), what: 'GET', status: reply.status, text })
        }
      } catch (error) {
        if (!(error instanceof Broken)) throw error
        if (id === undefined) this.#session.unread = this.#world.now()
      }
      await pause(300)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#reply?.drop()
  }
}
