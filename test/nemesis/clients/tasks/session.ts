/** A client of tasks in sessions (2025-11-25): it looks, lists and cancels, and waits for results on streams that ask. */
import { isObject } from '../../../../lib/protocol/jsonrpc.ts'
import type { Session } from '../../history.ts'
import type { Random } from '../../random.ts'
import type { Probe, Task } from '../../task-history.ts'
import { Broken } from '../http.ts'
import { ACCEPT, endSession, openSession } from '../session-ends.ts'
import { newSession, pause, type World } from '../world.ts'
import { TaskLife, type TaskWay } from './life.ts'
import { PRINCIPAL, principalNamed } from './principal.ts'
import { ResultStream } from './result-stream.ts'
import { type Answered, exchange } from './way.ts'
import { drawTask, newTask, type TaskWish, taskArguments } from './wish.ts'

const VERSION = '2025-11-25'
/** Tasks at once. */
const AT_ONCE = 8

export class SessionTaskClient {
  readonly #world: World
  readonly #random: Random
  readonly #name: string
  #open: OpenSession | undefined
  #first: Session
  #next = 0

  constructor(world: World, random: Random, name: string) {
    this.#world = world
    this.#random = random
    this.#name = name
    this.#first = newSession(name, VERSION, world.now())
  }

  get session(): Session {
    return this.#open?.session ?? this.#first
  }

  /** Opens one session after the other, until the run is over. Resolves when the last one has no task any more. */
  async live(): Promise<void> {
    const random = this.#random
    for (let n = 1; this.#world.running; n++) {
      const [tasks, waits] = [random.whole(4, 30), random.chance(0.7)]
      const opened = await openSession(this.#world, {
        ...{ name: `${this.#name}.${n}`, revision: VERSION, headers: { [PRINCIPAL]: this.#name } },
        principal: principalNamed(this.#name),
      })
      if (!opened) return
      const open = new OpenSession(this.#world, this.#name, opened)
      this.#open = open
      await open.initialized()
      const running = new Set<Promise<void>>()
      for (let i = 0; i < tasks && this.#world.running && !open.over; i++) {
        await pause(random.pause(this.#world.think))
        const wish = drawTask(random, 'session')
        if (running.size >= AT_ONCE) await Promise.race(running)
        if (!this.#world.running || open.over) break
        const task = newTask(this.#world, open.session, 'session', ++this.#next, wish)
        const work = new TaskLife(this.#world, open, task, wish).live().finally(() => running.delete(work))
        running.add(work)
      }
      if (this.#world.running) {
        // Some sessions end while tasks run.
        if (waits) await Promise.all(running)
        await this.end()
      }
      await Promise.all(running)
      if (!open.over) {
        open.session.restful = true
        return
      }
    }
  }

  async end(): Promise<void> {
    await this.#open?.end()
  }
}

/** A session, as its tasks use it. */
class OpenSession implements TaskWay {
  readonly session: Session
  readonly #world: World
  readonly #principal: string
  readonly #id: string
  readonly #streams = new Map<Task, ResultStream>()
  #next = 0

  constructor(world: World, principal: string, { session, id }: { session: Session; id: string }) {
    this.session = session
    this.#world = world
    this.#principal = principal
    this.#id = id
    world.open.set(session.session, this.headers())
  }

  get over(): boolean {
    return this.session.deletion !== undefined || this.session.lost !== undefined
  }

  headers(principal = this.#principal): Record<string, string> {
    return { accept: ACCEPT, 'mcp-session-id': this.#id, 'mcp-protocol-version': VERSION, [PRINCIPAL]: principal }
  }

  async initialized(): Promise<void> {
    await this.#exchange({ jsonrpc: '2.0', method: 'notifications/initialized' }).catch(ignoreBroken)
  }

  async end(): Promise<void> {
    this.#world.open.delete(this.session.session)
    await endSession(this.#world, this.session, this.headers())
  }

  create(task: Task, wish: TaskWish): Promise<Answered> {
    const params = { name: wish.tool, arguments: taskArguments(task, wish), task: {} }
    return this.send('tools/call', params)
  }

  taskOf(result: unknown): { taskId: string; ttl: number } | undefined {
    const task = isObject(result) ? result.task : undefined
    return isObject(task) ? { taskId: String(task.taskId), ttl: Number(task.ttl) } : undefined
  }

  send(method: string, params: object): Promise<Answered> {
    return this.#exchange({ jsonrpc: '2.0', id: ++this.#next, method, params })
  }

  async #exchange(body: object): Promise<Answered> {
    const answered = await exchange(this.#world, { method: 'POST', headers: this.headers(), body })
    const { sent, status } = answered
    if (status === 404) this.lost(sent, 'task')
    else if (status === 200) this.session.used = Math.max(this.session.used, sent)
    return answered
  }

  lost(sent: number, what: string): void {
    this.session.lost ??= { at: this.#world.now(), sent, what }
  }

  async probe(task: Task, { random }: TaskWish): Promise<Probe> {
    const how = random.of(['another caller', 'another session', 'without a session'])
    const taskId = task.made?.id
    const method = random.of(['tasks/get', 'tasks/cancel'])
    const body = { jsonrpc: '2.0', id: 'probe', method, params: { taskId } }
    const others = [...this.#world.open].filter(([name]) => name !== this.session.session)
    let headers = this.headers(`not ${this.#principal}`)
    if (how === 'another session' && others.length > 0) headers = random.of(others)[1]
    else if (how === 'without a session') {
      const prefix = 'io.modelcontextprotocol/'
      const clientCapabilities = { extensions: { [`${prefix}tasks`]: {} } }
      const _meta = {
        [`${prefix}protocolVersion`]: '2026-07-28',
        [`${prefix}clientInfo`]: { name: 'nemesis', version: '1' },
        [`${prefix}clientCapabilities`]: clientCapabilities,
      }
      Object.assign(body.params, { _meta })
      headers = {
        ...{ accept: ACCEPT, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': taskId ?? '' },
        [PRINCIPAL]: this.#principal,
      }
    }
    const { sent, at, status, message } = await exchange(this.#world, { method: 'POST', headers, body })
    const { error, result } = message
    const text = error?.message ?? JSON.stringify(result)
    return { how: `${method}, ${how}`, sent, at, status, text, ...(error && { code: error.code }) }
  }

  attend(task: Task, wish: TaskWish): void {
    const asks = task.seen.at(-1)?.status === 'input_required'
    if (this.#streams.has(task) || !(wish.waits || asks)) return
    const stream = new ResultStream(this.#world, this, task, wish)
    this.#streams.set(task, stream)
    void stream.run()
  }

  async conclude(task: Task, wish: TaskWish): Promise<void> {
    const stream = this.#streams.get(task)
    this.#streams.delete(task)
    await stream?.ended
    if (task.outcomes.length === 0 || wish.random.chance(0.3))
      await new ResultStream(this.#world, this, task, wish).run()
    if (wish.random.chance(0.2)) await this.#list(task)
  }

  /** The list has the task, and none of another session. */
  async #list(task: Task): Promise<void> {
    let cursor: string | undefined
    const ids: string[] = []
    const begun = this.#world.now()
    do {
      const answered = await this.send('tasks/list', cursor === undefined ? {} : { cursor }).catch(ignoreBroken)
      const result = answered?.message.result
      if (!answered || !Array.isArray(result?.tasks)) return
      for (const { taskId } of result.tasks) ids.push(String(taskId))
      cursor = result.nextCursor
      const foreign = ids.find((id) => (this.#world.taskIds.get(id) ?? task.session) !== task.session)
      if (foreign) this.odd('tasks/list has a task of another session', answered)
    } while (cursor !== undefined)
    if (task.made && !ids.includes(task.made.id)) task.unlisted.push({ sent: begun, at: this.#world.now() })
  }

  odd(what: string, { at, status, message }: Answered): void {
    this.session.odd.push({ at, what, status, text: JSON.stringify(message).slice(0, 300) })
  }
}

function ignoreBroken(error: unknown): undefined {
  if (!(error instanceof Broken)) throw error
  return undefined
}
