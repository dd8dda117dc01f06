/** Waits for the changes of a task, which may run in any instance. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Mail } from '../../runtime/mail.ts'
import type { TaskKey } from '../../store/tasks.ts'
import type { TaskEngine } from '../../tasks/engine-types.ts'

/** The store has the name of a watcher for so many heartbeats. */
const BEATS = 4
/** ms, where there are no heartbeats. */
const WITHOUT_BEATS = 60_000

export class TaskWatch {
  readonly token = randomId(6)
  readonly #instance: Instance
  readonly #engine: TaskEngine
  readonly #key: TaskKey
  #changed = Promise.withResolvers<void>()

  constructor(instance: Instance, engine: TaskEngine, key: TaskKey) {
    this.#instance = instance
    this.#engine = engine
    this.#key = key
  }

  /** Begins. From now on each change of the task resolves {@link changed}. */
  async begin(): Promise<void> {
    await this.#instance.attend()
    this.#instance.add('call', this)
    await this.#renew()
  }

  /** Resolves with the next change, or with a heartbeat: mail may have been lost, and the run of the task with it. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /** A look at the task begins: changes from now on are new. */
  looking(): void {
    this.#changed = Promise.withResolvers()
  }

  receive(mail: Mail): void {
    if (mail.t === 'task') this.#changed.resolve()
  }

  beat(): void {
    this.#renew()
      .catch((error) => this.#instance.report(error))
      .finally(() => this.#changed.resolve())
  }

  /** The call that waits is handed over, or ended: this is part of it. */
  async abandon(): Promise<void> {}

  async end(): Promise<void> {
    this.#instance.remove(this)
    await this.#engine.watch(this.#key, this.#instance.name(this.token), 0)
  }

  async #renew(): Promise<void> {
    const { heartbeat } = this.#instance.options
    const lifetime = heartbeat > 0 ? BEATS * heartbeat : WITHOUT_BEATS
    await this.#engine.watch(this.#key, this.#instance.name(this.token), lifetime)
  }
}
