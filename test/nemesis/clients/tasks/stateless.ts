/** A client of tasks of the extension (2026-07-28): it has no session, and looks, answers and cancels on any instance. */
import { isObject } from '../../../../lib/protocol/jsonrpc.ts'
import type { Session } from '../../history.ts'
import type { Random } from '../../random.ts'
import type { Probe, Task } from '../../task-history.ts'
import { Broken } from '../http.ts'
import { newSession, pause, type World } from '../world.ts'
import { TaskLife, type TaskWay } from './life.ts'
import { PRINCIPAL } from './principal.ts'
import { type Answered, exchange, isRefusal, UNKNOWN } from './way.ts'
import { drawTask, newTask, type TaskWish, taskArguments } from './wish.ts'

const VERSION = '2026-07-28'
const PREFIX = 'io.modelcontextprotocol/'
/** Tasks at once. */
const AT_ONCE = 8
/** How often an answer is sent until it is acknowledged. */
const ATTEMPTS = 100

export class StatelessTaskClient implements TaskWay {
  readonly over = false
  readonly #world: World
  readonly #random: Random
  readonly #session: Session
  /** By task and key: when the answer was acknowledged; Infinity: it is under way. */
  readonly #answers = new Map<string, number>()
  #next = 0

  constructor(world: World, random: Random, name: string) {
    this.#world = world
    this.#random = random
    this.#session = newSession(name, VERSION, world.now())
    world.sessions.push(this.#session)
  }

  async live(): Promise<void> {
    const running = new Set<Promise<void>>()
    while (this.#world.running) {
      await pause(this.#random.pause(this.#world.think))
      const wish = drawTask(this.#random, 'stateless')
      if (!this.#world.running) break
      if (running.size >= AT_ONCE) await Promise.race(running)
      const task = newTask(this.#world, this.#session, 'stateless', ++this.#next, wish)
      const work = new TaskLife(this.#world, this, task, wish).live().finally(() => running.delete(work))
      running.add(work)
    }
    await Promise.all(running)
  }

  async create(task: Task, wish: TaskWish): Promise<Answered> {
    const params = { name: wish.tool, arguments: taskArguments(task, wish) }
    const first = await this.send('tools/call', params)
    const { inputRequests, requestState } = first.message.result ?? {}
    if (!isObject(inputRequests)) return first
    const inputResponses = Object.fromEntries(
      Object.keys(inputRequests).map((key) => [key, accepted(`${key}:${task.call}`)]),
    )
    for (const key of Object.keys(inputRequests)) {
      const value = `${key}:${task.call}`
      task.answers.push({ key, value, sent: this.#world.now(), acknowledged: this.#world.now() })
    }
    return this.send('tools/call', { ...params, inputResponses, requestState })
  }

  taskOf(result: unknown): { taskId: string; ttl: number } | undefined {
    if (!isObject(result) || result.resultType !== 'task') return undefined
    return { taskId: String(result.taskId), ttl: Number(result.ttlMs) }
  }

  send(method: string, params: object, principal = this.#session.session): Promise<Answered> {
    const meta = {
      [`${PREFIX}protocolVersion`]: VERSION,
      [`${PREFIX}clientCapabilities`]: { elicitation: { form: {} }, extensions: { [`${PREFIX}tasks`]: {} } },
      [`${PREFIX}clientInfo`]: { name: 'nemesis', version: '1' },
    }
    const { taskId, name } = params as { taskId?: string; name?: string }
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      'mcp-name': taskId ?? name ?? '',
      [PRINCIPAL]: principal,
    }
    const body = { jsonrpc: '2.0', id: ++this.#next, method, params: { ...params, _meta: meta } }
    return exchange(this.#world, { method: 'POST', headers, body })
  }

  async probe({ made }: Task, { random }: TaskWish): Promise<Probe> {
    const how = random.of(['tasks/get', 'tasks/update', 'tasks/cancel'])
    const params = {
      taskId: made?.id,
      ...(how === 'tasks/update' && { inputResponses: { 'ask-1': accepted('foreign') } }),
    }
    const { sent, at, status, message } = await this.send(how, params, `not ${this.#session.session}`)
    const { error, result } = message
    return { how, sent, at, status, text: error?.message ?? JSON.stringify(result), ...(error && { code: error.code }) }
  }

  attend(task: Task, wish: TaskWish, keys: readonly string[], sent: number): void {
    for (const key of keys) {
      const name = `${task.call} ${key}`
      // A failover may have lost the answer: then it is asked for once more.
      if (sent < (this.#answers.get(name) ?? 0)) continue
      this.#answers.set(name, Number.POSITIVE_INFINITY)
      void this.#answer(task, wish, key).then(() => this.#answers.set(name, this.#world.now()))
    }
  }

  async conclude(): Promise<void> {}

  odd(what: string, { at, status, message }: Answered): void {
    this.#session.odd.push({ at, what, status, text: JSON.stringify(message).slice(0, 300) })
  }

  /** One ask at a time, so that there are updates with a part of the answers. */
  async #answer(task: Task, { random }: TaskWish, key: string): Promise<void> {
    await pause(random.pause(200))
    const late = random.chance(0.2)
    if (!(await this.#update(task, key, `${key}:${task.call}`)) || !late) return
    await this.#update(task, key, `late ${key}:${task.call}`, true)
  }

  async #update(task: Task, key: string, value: string, late?: true): Promise<boolean> {
    const answer: Task['answers'][number] = { key, value, sent: this.#world.now(), ...(late && { late }) }
    task.answers.push(answer)
    for (let attempt = 0; attempt < ATTEMPTS && !task.end; attempt++) {
      try {
        const answered = await this.send('tasks/update', {
          taskId: task.made?.id,
          inputResponses: { [key]: accepted(value) },
        })
        if (answered.message.result) {
          answer.acknowledged = answered.at
          return true
        }
        if (!isRefusal(answered) && answered.message.error?.code !== UNKNOWN) this.odd('tasks/update', answered)
      } catch (error) {
        if (!(error instanceof Broken)) throw error
      }
      await pause(300)
    }
    return false
  }
}

export function accepted(value: string): object {
  return { action: 'accept', content: { value } }
}
