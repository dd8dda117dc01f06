/** The tasks that a `subscriptions/listen` stream waits for. It is loaded with the first of them. */
import { MAX_LISTENED } from '../protocol/bounds.ts'
import { invalidParams } from '../protocol/errors.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import type { ClientCapabilities } from '../protocol/types.ts'
import type { Mail } from '../runtime/mail.ts'
import type { TaskView } from '../store/tasks.ts'
import type { TaskEngine } from '../tasks/engine-types.ts'
import { keyOf, nameOf } from '../tasks/names.ts'
import type { WatchedTasks } from './listen.ts'
import { declaresTasks, detailedTask, needsTasks } from './tasks.ts'

/** How long the store names the stream, in ms. Each heartbeat says it again. */
const WATCH_FOR = 5 * 60_000
/** A task whose end was sent is watched no longer. */
const OVER: readonly string[] = ['completed', 'failed', 'cancelled']

/**
 * Reads `taskIds` of a filter. Those of the caller are honoured.
 *
 * @throws MissingCapability; ProtocolError -32602
 */
export async function watchedTasks(
  engine: () => Promise<TaskEngine>,
  notifications: unknown,
  capabilities: ClientCapabilities,
  principal: string,
): Promise<WatchedTasks | undefined> {
  const given = isObject(notifications) ? notifications.taskIds : undefined
  if (given === undefined) return undefined
  if (!declaresTasks(capabilities)) throw needsTasks()
  if (!Array.isArray(given) || given.length > MAX_LISTENED || !given.every((id) => typeof id === 'string')) {
    throw invalidParams(`"taskIds" must be at most ${MAX_LISTENED} names of tasks.`)
  }
  return new Watching(await engine(), principal, [...new Set(given as string[])])
}

class Watching implements WatchedTasks {
  readonly #engine: TaskEngine
  readonly #principal: string
  /** What was sent last of each task. */
  readonly #sent = new Map<string, string>()
  #watcher = ''
  #send: (params: JsonObject) => void = () => {}

  constructor(engine: TaskEngine, principal: string, ids: readonly string[]) {
    this.#engine = engine
    this.#principal = principal
    for (const id of ids) this.#sent.set(id, '')
  }

  get ids(): string[] {
    return [...this.#sent.keys()]
  }

  async open(watcher: string, send: (params: JsonObject) => void): Promise<void> {
    this.#watcher = watcher
    this.#send = send
    await Promise.all(
      this.ids.map(async (id) => {
        const view = await this.#watch(id)
        // The client has the state of now, or reads it: changes from here on are sent.
        if (view) this.#sent.set(id, stateOf(view))
        else this.#sent.delete(id)
      }),
    )
  }

  receive(mail: Mail): Promise<void> | undefined {
    if (mail.t !== 'task') return undefined
    const id = this.ids.find((one) => nameOf(keyOf(this.#principal, one)) === mail.task)
    return id === undefined ? undefined : this.#look(id)
  }

  /** Finds what mail lost. */
  async beat(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.#look(id)))
  }

  async #look(id: string): Promise<void> {
    const view = await this.#watch(id)
    if (!view || stateOf(view) === this.#sent.get(id)) return
    this.#sent.set(id, stateOf(view))
    this.#send(detailedTask(id, view))
    if (OVER.includes(view.status)) this.#sent.delete(id)
  }

  async #watch(id: string): Promise<TaskView | undefined> {
    return (await this.#engine.watch(keyOf(this.#principal, id), this.#watcher, WATCH_FOR))?.view
  }
}

function stateOf(view: TaskView): string {
  return JSON.stringify(view)
}
