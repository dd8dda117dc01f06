/** The servers that keep the store of a run, and their faults. */
import type { RedisStoreOptions } from '../../../lib/store/redis/index.ts'
import type { StoreFault } from '../faults.ts'
import type { Fault } from '../history.ts'

export const ARRANGEMENTS = ['replica', 'cluster', 'sentinel'] as const
/** `replica`: a Redis with a replica, which instances reach through links that fail. */
export type Arrangement = (typeof ARRANGEMENTS)[number]

/** How long a fault lasts, in ms, and a number from 0 to 1 that chooses what is left to choose. */
export interface Measure {
  ms: number
  part: number
}

export interface StoreServers {
  /** Where the links of the instances lead. Undefined: instances find the servers by themselves, past the links. */
  readonly port: number | undefined
  /** What an instance needs whose link has this port. */
  options(link: number): RedisStoreOptions
  /** A fault begins, and has ended when this resolves. `moved`: {@link port} is that of another server. */
  trouble(kind: StoreFault, measure: Measure, fault: Fault, moved: () => void): Promise<void>
  /** Cuts connections to a server, where there are no links. */
  cut(measure: Measure): Promise<void>
  /** Every key with its lifetime in ms, past all faults. */
  keys(): Promise<{ key: string; lifetime: number }[]>
  /** The names of the fields of a hash, past all faults. */
  fields(key: string): Promise<string[]>
  /** Failovers that no fault caused: a server that a busy machine does not let run for long is taken for dead. */
  readonly unplanned: readonly Fault[]
  stop(): Promise<void>
}
