/** One task from its call to its end, and a while longer: looks, answers, a cancel, and others that ask for it. */
import { isOver, type Probe, type Task, type TaskEnd } from '../../task-history.ts'
import { Broken } from '../http.ts'
import { pause, type World } from '../world.ts'
import { type Answered, isRefusal, note, see, UNKNOWN } from './way.ts'
import type { TaskWish } from './wish.ts'

/** What differs between the eras. */
export interface TaskWay {
  /** The call. Its result has the task. @throws Broken */
  create(task: Task, wish: TaskWish): Promise<Answered>
  /** `tasks/…` @throws Broken */
  send(method: string, params: object): Promise<Answered>
  /** The task in the result of `create`. */
  taskOf(result: unknown): { taskId: string; ttl: number } | undefined
  /** One who does not have the task asks for it. @throws Broken */
  probe(task: Task, wish: TaskWish): Promise<Probe>
  /** A look, sent at `sent`, found the task without an end, and these open asks. */
  attend(task: Task, wish: TaskWish, keys: readonly string[], sent: number): void
  /** Reads the outcome where looks do not have it, and looks at the list. */
  conclude(task: Task, wish: TaskWish): Promise<void>
  /** The session has ended. */
  readonly over: boolean
  odd(what: string, answered: Answered): void
}

/** From one try to the next, in ms. */
const AGAIN = 300

export class TaskLife {
  readonly #world: World
  readonly #way: TaskWay
  readonly #task: Task
  readonly #wish: TaskWish
  readonly #until: number
  #work: Promise<unknown>[] = []

  constructor(world: World, way: TaskWay, task: Task, wish: TaskWish) {
    this.#world = world
    this.#way = way
    this.#task = task
    this.#wish = wish
    this.#until = world.now() + world.limits.callPatience
  }

  async live(): Promise<void> {
    if (!(await this.#create())) return
    const { cancelAfter, probeAfter, lookAfter } = this.#wish
    if (cancelAfter !== undefined) this.#later(cancelAfter, () => this.#cancel())
    if (probeAfter !== undefined) this.#later(probeAfter, () => this.#probe())
    await this.#follow()
    if (this.#task.end?.kind === 'ended') {
      await this.#way.conclude(this.#task, this.#wish)
      if (lookAfter !== undefined) {
        await pause(lookAfter)
        if (!this.#way.over) await this.#look()
        if (!this.#way.over) await this.#way.conclude(this.#task, this.#wish)
      }
    }
    await Promise.all(this.#work)
  }

  #later(after: number, work: () => Promise<void>): void {
    this.#work.push(pause(after).then(work))
  }

  #end(kind: TaskEnd): void {
    this.#task.end ??= { at: this.#world.now(), kind }
  }

  async #create(): Promise<boolean> {
    const task = this.#task
    try {
      const answered = await this.#way.create(task, this.#wish)
      const { at, status, message } = answered
      const made = this.#way.taskOf(message.result)
      if (made) {
        task.made = { at, id: made.taskId, ttl: made.ttl }
        this.#world.taskIds.set(made.taskId, task.session)
        return true
      }
      if (status === 404 && this.#way.over) this.#end('session')
      else task.refused = { at, status, text: message.error?.message ?? JSON.stringify(message.result ?? {}) }
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
    this.#end('not made')
    return false
  }

  async #follow(): Promise<void> {
    const { random, poll } = this.#wish
    while (!this.#task.end) {
      await pause(random.pause(poll))
      const status = await this.#look()
      if (this.#task.end) return
      if (status === 'unknown') this.#end('gone')
      else if (isOver(status)) this.#end('ended')
      else if (this.#world.now() > this.#until) this.#end('hung')
    }
  }

  /** The status that a look found; '' where it found none. */
  async #look(): Promise<string> {
    const { id } = this.#task.made ?? { id: '' }
    const answered = await this.#try('tasks/get', { taskId: id })
    if (!answered) return ''
    const { message, sent, at } = answered
    if (message.error?.code === UNKNOWN) {
      see(this.#task, { by: 'get', sent, at, last: sent, status: 'unknown', text: message.error.message })
      return 'unknown'
    }
    if (!message.result) {
      if (!isRefusal(answered)) this.#way.odd('tasks/get', answered)
      return ''
    }
    const odd = note(this.#task, 'get', answered, message.result)
    if (odd) this.#way.odd(odd, answered)
    const { status: found, inputRequests = {} } = message.result
    if (!isOver(found)) this.#way.attend(this.#task, this.#wish, Object.keys(inputRequests), sent)
    return found
  }

  /** Undefined: it broke, or the session has ended. */
  async #try(method: string, params: object): Promise<Answered | undefined> {
    if (this.#way.over) {
      this.#end('session')
      return undefined
    }
    try {
      const answered = await this.#way.send(method, params)
      if (!this.#way.over || answered.status !== 404) return answered
      this.#end('session')
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      await pause(AGAIN)
    }
    return undefined
  }

  /** Until it is acknowledged. */
  async #cancel(): Promise<void> {
    const task = this.#task
    if (task.end || !task.made) return
    const cancel: NonNullable<Task['cancel']> = { sent: this.#world.now() }
    task.cancel = cancel
    while (!this.#way.over && this.#world.now() < this.#until) {
      const answered = await this.#try('tasks/cancel', { taskId: task.made.id })
      const { error, result } = answered?.message ?? {}
      if (answered && (result || error?.code === UNKNOWN)) {
        cancel.acknowledged = answered.at
        // In a session: the task had ended, or an attempt before has done it.
        if (error) cancel.over = true
        else if (result?.status !== undefined) note(task, 'cancel', answered, result)
        return
      }
      if (answered && !isRefusal(answered)) this.#way.odd('tasks/cancel', answered)
      await pause(AGAIN)
    }
  }

  async #probe(): Promise<void> {
    if (this.#way.over) return
    try {
      this.#task.probes.push(await this.#way.probe(this.#task, this.#wish))
    } catch (error) {
      if (!(error instanceof Broken)) throw error
    }
  }
}
