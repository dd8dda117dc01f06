/** How many processes there may be: in this instance, and of one principal in all of them. */
import { digest } from '../../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { ServeOptions } from '../../../settings-serve.ts'
import type { Place } from './place.ts'
import { fullHere, fullOfPrincipal } from './process/errors.ts'
import type { Tenant } from './tenant.ts'

/** How long a process counts without a sign of it, in ms, at least. */
const COUNTS_FOR = 60_000

export class Room {
  readonly #instance: Instance
  readonly #bounds: ServeOptions
  readonly #places: ReadonlyMap<string, Place>

  /** @param places those of this instance, a place that is about to start among them */
  constructor(instance: Instance, bounds: ServeOptions, places: ReadonlyMap<string, Place>) {
    this.#instance = instance
    this.#bounds = bounds
    this.#places = places
  }

  /**
   * Makes room for the process of a place: the one that was without a request for longest ends.
   *
   * @throws ProtocolError where each has a request; StoreUnavailable
   */
  async admit({ tenant }: Place): Promise<void> {
    const { processes, processesPerPrincipal } = this.#bounds
    const ofPrincipal = await this.count(tenant)
    const isOwn = (other: Tenant) => other.principal === tenant.principal
    if (ofPrincipal > processesPerPrincipal && !this.#endIdle(isOwn)) {
      throw new ProtocolError(ErrorCode.ServerError, fullOfPrincipal(processesPerPrincipal))
    }
    if (this.#places.size > processes && !this.#endIdle(() => true)) {
      throw new ProtocolError(ErrorCode.ServerError, fullHere(processes))
    }
  }

  #endIdle(isMeant: (tenant: Tenant) => boolean): boolean {
    let longest: Place | undefined
    for (const place of this.#places.values()) {
      const { idleSince } = place
      if (idleSince === undefined || !isMeant(place.tenant)) continue
      if (idleSince < (longest?.idleSince ?? Number.POSITIVE_INFINITY)) longest = place
    }
    longest?.end()
    return longest !== undefined
  }

  /** Counts the process of a tenant for a while. Returns how many its principal has; without authorization nobody is counted. */
  async count({ key, principal }: Tenant): Promise<number> {
    if (principal === '') return 0
    const { heartbeat } = this.#instance.options
    return this.#instance.store.occupy(listOf(principal), key, Math.max(COUNTS_FOR, 4 * heartbeat))
  }

  async uncount({ key, principal }: Tenant): Promise<void> {
    if (principal !== '') await this.#instance.store.occupy(listOf(principal), key, 0)
  }
}

function listOf(principal: string): string {
  return digest(`processes\n${principal}`, 16)
}
