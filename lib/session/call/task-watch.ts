/** Waits for the changes of a task, which may run in any instance. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Mail } from '../../runtime/mail.ts'
import type { TaskKey } from '../../store/tasks.ts'
import type { TaskEngine } from '../../tasks/engine-types.ts'

/** The store has the name of a watcher for so many heartbeats. */
const BEATS = 4
/** Who sends the asks keeps its turn for so many heartbeats where nobody reads its stream. */
const BEATS_UNREAD = 2
/** ms, where there are no heartbeats. */
const WITHOUT_BEATS = 60_000

export class TaskWatch {
  readonly token = randomId(6)
  readonly #instance: Instance
  readonly #engine: TaskEngine
  readonly #key: TaskKey
  readonly #stream: string | undefined
  #changed = Promise.withResolvers<void>()
  #turn: number | undefined

  /** @param stream on which the asks of the task could be sent; undefined: none */
  constructor(instance: Instance, engine: TaskEngine, key: TaskKey, stream: string | undefined) {
    this.#instance = instance
    this.#engine = engine
    this.#key = key
    this.#stream = stream
  }

  /** Begins. From now on each change of the task resolves {@link changed}. */
  async begin(): Promise<void> {
    await this.#instance.attend()
    this.#instance.add('call', this)
    await this.renew()
  }

  /** Resolves with the next change, or with a heartbeat: mail may have been lost, and the run of the task with it. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /** This connection sends what the task asks, and is the how-manieth to do so. Undefined: another one does. */
  get turn(): number | undefined {
    return this.#turn
  }

  /** A look at the task begins: changes from now on are new. */
  looking(): void {
    this.#changed = Promise.withResolvers()
  }

  receive(mail: Mail): void {
    if (mail.t === 'task') this.#changed.resolve()
  }

  beat(): void {
    this.renew()
      .catch((error) => this.#instance.report(error))
      .finally(() => this.#changed.resolve())
  }

  /** The call that waits is handed over, or ended: this is part of it. */
  async abandon(): Promise<void> {}

  /** @param leaves no later run of the call sends the asks */
  async end(leaves: boolean): Promise<void> {
    this.#instance.remove(this)
    const asking = leaves && this.#stream !== undefined ? { stream: this.#stream, lifetime: 0 } : undefined
    await this.#engine.watch(this.#key, this.#instance.name(this.token), 0, asking)
  }

  /** Has the store name this connection for a while longer, and asks whether it is its turn. */
  async renew(): Promise<void> {
    const { heartbeat } = this.#instance.options
    const lifetime = (beats: number) => (heartbeat > 0 ? beats * heartbeat : WITHOUT_BEATS)
    const asking = this.#stream === undefined ? undefined : { stream: this.#stream, lifetime: lifetime(BEATS_UNREAD) }
    const reply = await this.#engine.watch(this.#key, this.#instance.name(this.token), lifetime(BEATS), asking)
    this.#turn = reply?.turn
  }
}
