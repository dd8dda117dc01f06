/** A client of the stateless revision, 2026-07-28. Closing a connection cancels its call, and nothing is resumed. */
import type { Call, Session } from '../history.ts'
import type { Random } from '../random.ts'
import { Broken, type Message } from './http.ts'
import { Inbox } from './inbox.ts'
import { argumentsOf, drawWish, newCall, newSession, pause, settleOpen, type Wish, type World } from './world.ts'

const VERSION = '2026-07-28'
const PREFIX = 'io.modelcontextprotocol/'
/** How often a client sends a round again that the endpoint did not carry out. */
const ATTEMPTS = 12

export class StatelessClient {
  readonly #world: World
  readonly #random: Random
  readonly #session: Session
  readonly #inbox: Inbox
  #next = 0

  constructor(world: World, random: Random, name: string) {
    this.#world = world
    this.#random = random
    this.#session = newSession(name, VERSION, world.now())
    this.#inbox = new Inbox(world, this.#session)
    world.sessions.push(this.#session)
  }

  async live(): Promise<void> {
    const running = new Set<Promise<void>>()
    while (this.#world.running) {
      await pause(this.#random.pause(this.#world.think))
      const wish = this.#drawWish()
      const twice = this.#random.chance(0.5)
      if (!this.#world.running) break
      if (running.size >= 4) await Promise.race(running)
      const work = this.#call(wish, twice).finally(() => running.delete(work))
      running.add(work)
    }
    await Promise.all(running)
  }

  #drawWish(): Wish {
    const { mix } = this.#world
    const wish = drawWish(this.#random, mix, { ask: 0, ask_again: 0, paused: 0, stubborn: 0, once: 4 * mix.tools.once })
    // Each round of a durable tool goes through its steps anew: their messages would come again.
    return wish.tool === 'durable' ? { ...wish, steps: 0 } : wish
  }

  async #call(wish: Wish, twice: boolean): Promise<void> {
    const world = this.#world
    const call = newCall(world, this.#session, ++this.#next, wish)
    const again: number[] = []
    call.again = again
    let more: object = {}
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await pause(250)
      const sent = world.now()
      const isDoneOnce = wish.tool === 'once' || (wish.tool === 'durable' && 'requestState' in more)
      const rounds = [this.#round(call, wish, more)]
      // A client that gave its first request up sends the round again: only the first one counts here.
      if (twice && wish.tool === 'once' && 'requestState' in more) rounds.push(this.#round(call, wish, more))
      const [message, twin] = await Promise.all(rounds)
      const best = message?.result ? message : twin?.result ? twin : message
      if (best === undefined) {
        // Only what is done once, however often its state is sent, may be sent again.
        if (!isDoneOnce) return settleOpen(world, [call], 'broken')
        again.push(sent)
        continue
      }
      const { result, error } = best
      if (result?.resultType === 'input_required') {
        more = { inputResponses: this.#answers(call, result.inputRequests ?? {}), requestState: result.requestState }
        attempt = 0
        continue
      }
      if (error && /being done by another|did not answer|shutting down/.test(error.message) && isDoneOnce) {
        again.push(sent)
        continue
      }
      return this.#inbox.conclude(call, best)
    }
    settleOpen(world, [call], 'broken')
  }

  #answers(call: Call, requests: Record<string, { params?: { message?: string } }>): object {
    const answers: Record<string, object> = {}
    for (const key of Object.keys(requests)) {
      const value = `${key}:${call.call}`
      answers[key] = { action: 'accept', content: { value } }
    }
    return answers
  }

  /** One POST. Undefined: it broke, or was refused in a way that lets the client send it again. */
  async #round(call: Call, wish: Wish, more: object): Promise<Message | undefined> {
    const { http, silence, now } = this.#world
    const id = ++this.#next
    this.#inbox.add(id, call)
    const meta = {
      [`${PREFIX}protocolVersion`]: VERSION,
      [`${PREFIX}clientCapabilities`]: { elicitation: { form: {} } },
      [`${PREFIX}clientInfo`]: { name: 'nemesis', version: '1' },
      [`${PREFIX}logLevel`]: 'info',
      progressToken: call.call,
    }
    const params = { name: wish.tool, arguments: argumentsOf(call, wish), _meta: meta, ...more }
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'tools/call',
      'mcp-name': wish.tool,
    }
    try {
      const body = { jsonrpc: '2.0', id, method: 'tools/call', params }
      const reply = await http.send({ method: 'POST', headers, body, patience: silence })
      if (!reply.isStream) {
        const text = await reply.text()
        const message = JSON.parse(text) as Message
        if (message.id === id) return { ...message, status: reply.status }
        this.#session.odd.push({ at: now(), what: 'call', status: reply.status, text })
        return undefined
      }
      let count = 0
      for await (const { data } of reply.events()) {
        if (!data) continue
        const message = JSON.parse(data) as Message
        if (message.id === id) return message
        this.#inbox.take(message, [call])
        if (wish.dropAfter !== undefined && ++count >= wish.dropAfter && wish.cancelAfter !== undefined) {
          reply.drop()
          return undefined
        }
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    return undefined
  }
}
