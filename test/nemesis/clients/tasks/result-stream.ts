/** `tasks/result` (2025-11-25): its stream asks what the task asks, and ends with what the call would have been answered with. */
import type { Task } from '../../task-history.ts'
import { Broken, type Message, type Reply } from '../http.ts'
import { parse } from '../inbox.ts'
import { pause, type World } from '../world.ts'
import { type Answered, isRefusal, note, noteOutcome, see, UNKNOWN } from './way.ts'
import type { TaskWish } from './wish.ts'

/** The session of the task. */
interface Owner {
  readonly over: boolean
  headers(): Record<string, string>
  lost(sent: number, what: string): void
  odd(what: string, answered: Answered): void
}

const RELATED = 'io.modelcontextprotocol/related-task'
/** A stream has its response so long after the end of its task, or it is stuck, in ms. */
const AFTER_END = 20_000
/** A stream on which so long nothing came while the task waits for an answer is given up for another, in ms. */
const SILENT = 8_000

export class ResultStream {
  readonly #world: World
  readonly #owner: Owner
  readonly #task: Task
  readonly #wish: TaskWish
  readonly #ended = Promise.withResolvers<void>()
  #id = ''
  /** The newest event id. */
  #position: string | undefined
  #isDone = false
  /** When something came on the stream. */
  #heard = 0
  static #next = 0

  constructor(world: World, owner: Owner, task: Task, wish: TaskWish) {
    this.#world = world
    this.#owner = owner
    this.#task = task
    this.#wish = wish
  }

  /** Resolves when the outcome is there, or nothing brings it any more. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  async run(): Promise<void> {
    const { random } = this.#wish
    const until = this.#world.now() + this.#world.limits.callPatience
    while (!this.#isDone && !this.#owner.over && this.#world.now() < until && !this.#isTooLate()) {
      try {
        await this.#once()
      } catch (error) {
        if (!(error instanceof Broken)) throw error
      }
      if (this.#isDone) break
      await pause(random.between(50, 600))
      // It resumes the stream, or asks anew: then the stream before stays as it is.
      if (random.chance(0.3)) this.#restart()
    }
    this.#ended.resolve()
  }

  #restart(): void {
    this.#position = undefined
  }

  #isTooLate(): boolean {
    const { end } = this.#task
    return end !== undefined && end.kind !== 'ended' && this.#world.now() > end.at + AFTER_END
  }

  /** One connection. @throws Broken */
  async #once(): Promise<void> {
    const { http, now, silence } = this.#world
    const sent = now()
    const headers = this.#owner.headers()
    const position = this.#position
    if (position === undefined) this.#id = `result-${++ResultStream.#next}`
    const params = { taskId: this.#task.made?.id }
    const body = { jsonrpc: '2.0', id: this.#id, method: 'tasks/result', params }
    const reply: Reply = await (position === undefined
      ? http.send({ method: 'POST', headers, body, patience: silence })
      : http.send({ method: 'GET', headers: { ...headers, 'last-event-id': position }, patience: silence }))
    if (!reply.isStream) {
      const text = await reply.text()
      const message = (parse(text) as Message | undefined) ?? {}
      if (reply.status === 404) return this.#owner.lost(sent, 'tasks/result')
      if (reply.status === 200) return this.#response(message, sent)
      // The response is no longer there for one who comes late: the client asks anew.
      if (position !== undefined) return this.#restart()
      if (reply.status !== 503) this.#owner.odd('tasks/result', { sent, at: now(), status: reply.status, message })
      return
    }
    this.#heard = now()
    const watching = setInterval(() => this.#watch(reply), 1_000)
    try {
      for await (const { id, data } of reply.events()) {
        if (id !== undefined) this.#position = id
        if (data) {
          this.#heard = now()
          this.#take(JSON.parse(data) as Message, sent)
        }
        if (this.#isDone || this.#owner.over) return reply.drop()
        if (this.#wish.random.chance(0.05)) return reply.drop()
      }
    } finally {
      clearInterval(watching)
    }
  }

  #watch(reply: Reply): void {
    const { end, seen } = this.#task
    const now = this.#world.now()
    if (end?.kind === 'ended' && now > Math.max(end.at, this.#heard) + AFTER_END) this.#task.stuck ??= { at: now }
    else if (seen.at(-1)?.status !== 'input_required' || now < this.#heard + SILENT) return
    this.#restart()
    reply.drop()
  }

  #take(message: Message, sent: number): void {
    const { id, method, params } = message
    if (method === undefined) return this.#response(message, sent)
    if (method === 'elicitation/create') return this.#ask(String(id), message, sent)
    if (method !== 'notifications/tasks/status') return
    const found = { sent, at: this.#world.now() }
    // What was sent before a connection broke comes again: only the time of its arrival says how old it may be.
    const odd = note(this.#task, 'status', { ...found, sent: 0 }, params)
    if (odd) this.#odd(odd, message, found)
  }

  #ask(id: string, message: Message, sent: number): void {
    const { params } = message
    const named = parse(String(params?.message))
    const related = params?._meta?.[RELATED]?.taskId
    if (related !== this.#task.made?.id || named?.call !== this.#task.call) {
      return this.#odd('an ask of another task', message, { sent, at: this.#world.now() })
    }
    void this.#answer(id, `ask-${named?.n}`)
  }

  #response(message: Message, sent: number): void {
    const { result, error, id } = message
    const at = this.#world.now()
    if (id !== this.#id) return this.#odd('a response to another request', message, { sent, at })
    // The request has failed, and the task is as it was: the instance that waited was lost, for instance.
    if (isRefusal({ sent, at, status: 200, message }) && !/\btask\b/.test(String(error?.message)))
      return this.#restart()
    if (error?.code === UNKNOWN) return this.#unknown(error.message)
    this.#isDone = true
    noteOutcome(this.#task, { sent, at }, { result, error })
    const related = result?._meta?.[RELATED]?.taskId
    if (result && related !== this.#task.made?.id) this.#odd('a result of another task', message, { sent, at })
  }

  /** A primary that does not know yet that it is none may have said so: as long as a look finds the task, the client asks anew. */
  #unknown(text: string): void {
    const at = this.#world.now()
    see(this.#task, { by: 'result', sent: at, at, last: at, status: 'unknown', text })
    this.#isDone = this.#task.end !== undefined
    this.#restart()
  }

  #odd(what: string, message: Message, { sent, at }: { sent: number; at: number }): void {
    this.#owner.odd(`tasks/result: ${what}`, { sent, at, status: 200, message })
  }

  /** Again and again until the answer is acknowledged. */
  async #answer(id: string, key: string): Promise<void> {
    const { http, now, silence } = this.#world
    await pause(this.#wish.random.pause(200))
    const value = `${key}:${this.#task.call}`
    const answer: Task['answers'][number] = { key, value, sent: now() }
    this.#task.answers.push(answer)
    const body = { jsonrpc: '2.0', id, result: { action: 'accept', content: { value } } }
    for (let attempt = 0; attempt < 100 && !this.#task.end && !this.#owner.over; attempt++) {
      try {
        const headers = this.#owner.headers()
        const reply = await http.send({ method: 'POST', headers, body, patience: silence })
        const text = await reply.text()
        if (reply.status === 202) {
          answer.acknowledged = now()
          return
        }
        if (reply.status === 404) return this.#owner.lost(answer.sent, 'answer')
        if (reply.status !== 503) {
          const message = (parse(text) as Message | undefined) ?? {}
          this.#owner.odd('answer', { sent: answer.sent, at: now(), status: reply.status, message })
          return
        }
      } catch (error) {
        if (!(error instanceof Broken)) throw error
      }
      await pause(300)
    }
  }
}
