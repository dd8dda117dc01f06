/** The name of a run, by which the store and the other instances address it. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { Owner } from '../../store/store.ts'

export class RunName {
  readonly #instance: Instance
  #token: string
  #lapses: number
  /** A claim of the call by its own run is under way. */
  #renaming: Promise<void> | undefined

  constructor(instance: Instance, token = randomId(6), lapses = instance.presence.lapses) {
    this.#instance = instance
    this.#token = token
    this.#lapses = lapses
  }

  get token(): string {
    return this.#token
  }
  get owner(): Owner {
    return this.#instance.name(this.#token)
  }

  /** The lapses of this instance's sign of life before the store had this name: after a later one, others may be about to claim the call. */
  get lapses(): number {
    return this.#lapses
  }

  /** The store is about to have the name. */
  given(): void {
    this.#lapses = this.#instance.presence.lapses
  }

  rename(token: string, lapses: number): void {
    this.#token = token
    this.#lapses = lapses
  }

  /** Does `work`, which renames the run. What the store refuses meanwhile is tried again by the new name. */
  renaming(work: () => Promise<void>): Promise<void> {
    this.#renaming ??= work().finally(() => {
      this.#renaming = undefined
    })
    return this.#renaming
  }

  /** Undefined: the name is not about to change. */
  get settled(): Promise<void> | undefined {
    return this.#renaming
  }

  /** Whether the run has another name by now. */
  async isRenamed(owner: Owner): Promise<boolean> {
    await this.#renaming
    return this.owner !== owner
  }
}
