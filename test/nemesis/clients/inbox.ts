/** Reads the messages that a session receives, and records each with the call that it names. */
import type { Call, Session } from '../history.ts'
import type { Message } from './http.ts'
import { settle, type World } from './world.ts'

/** An ask that the client must answer. */
export interface Ask {
  call: Call
  id: string
}

export class Inbox {
  readonly #world: World
  readonly #session: Session
  readonly #byId = new Map<string | number, Call>()
  readonly #byName = new Map<string, Call>()

  constructor(world: World, session: Session) {
    this.#world = world
    this.#session = session
  }

  add(id: string | number, call: Call): void {
    this.#byId.set(id, call)
    this.#byName.set(call.call, call)
  }

  get all(): Call[] {
    return [...this.#byName.values()]
  }

  get open(): Call[] {
    return this.all.filter(({ outcomes }) => outcomes.length === 0)
  }

  /** Takes a message of a stream whose calls these are. */
  take(message: Message, calls: readonly Call[]): Ask | undefined {
    const { id, method } = message
    if (method === undefined) this.response(message, calls)
    else if (method === 'notifications/progress') this.#progress(message, calls)
    else if (method === 'notifications/message') this.#log(message, calls)
    else if (method === 'elicitation/create' && typeof id === 'string') return this.#ask(id, message, calls)
    else if (method === 'notifications/resources/updated') {
      this.#session.updates.push({ uri: String(message.params?.uri), at: this.#world.now() })
    } else if (!/list_changed$|^notifications\/cancelled$|acknowledged$/.test(method)) this.#foreign(message)
    return undefined
  }

  response(message: Message, calls: readonly Call[]): void {
    const call = this.#known(this.#byId.get(message.id ?? ''), calls)
    if (call) this.conclude(call, message)
    else this.#foreign(message)
  }

  /** Takes the response of a call. */
  conclude(call: Call, message: Message): void {
    if (message.error) {
      const { code, message: text } = message.error
      return settle(this.#world, call, 'error', { code, text })
    }
    const { content, isError } = message.result ?? {}
    const text = String(content?.[0]?.text)
    if (isError) return settle(this.#world, call, 'error', { text })
    const named = parse(text)
    if (named?.call !== call.call || named.session !== call.session) return this.#foreign(message)
    settle(this.#world, call, 'result', { run: String(named.run) })
  }

  #known(call: Call | undefined, calls: readonly Call[]): Call | undefined {
    return call && calls.includes(call) ? call : undefined
  }

  #progress(message: Message, calls: readonly Call[]): void {
    const { progressToken, progress, message: text } = message.params ?? {}
    const call = this.#known(this.#byName.get(String(progressToken)), calls)
    const [name, run] = typeof text === 'string' ? text.split(' ') : []
    if (!call || (name !== undefined && name !== call.call)) return this.#foreign(message)
    call.received.push({
      at: this.#world.now(),
      kind: 'progress',
      n: Number(progress),
      ...(run !== undefined && { run }),
    })
  }

  #log(message: Message, calls: readonly Call[]): void {
    const { data, logger } = message.params ?? {}
    if (logger === 'mcp') {
      const [call, ...others] = calls
      // On the stream of one call, or on the stream of the session.
      if (call && others.length === 0) call.received.push({ at: this.#world.now(), kind: 'missed' })
      else this.#session.missed++
      return
    }
    const call = this.#known(this.#byName.get(String(data?.call)), calls)
    if (!call || data.session !== call.session) return this.#foreign(message)
    const { run, n, at: sent } = data as { run: string; n: number; at: number }
    call.received.push({ at: this.#world.now(), kind: 'log', n, run, sent })
  }

  #ask(id: string, message: Message, calls: readonly Call[]): Ask | undefined {
    const named = parse(String(message.params?.message))
    const call = this.#known(this.#byName.get(String(named?.call)), calls)
    if (!call || named?.session !== call.session) {
      this.#foreign(message)
      return undefined
    }
    call.received.push({
      at: this.#world.now(),
      kind: 'ask',
      n: Number(named.n),
      run: String(named.run ?? ''),
      ask: id,
    })
    return { call, id }
  }

  #foreign(message: Message): void {
    this.#session.foreign.push({ at: this.#world.now(), text: JSON.stringify(message).slice(0, 500) })
  }
}

export function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
