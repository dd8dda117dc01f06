/**
 * The embedded store: everything in this process, for one instance or for several in one process. It keeps the same
 * promises as Redis (the contract tests are the same), except that nothing survives the process.
 */
import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import type { Store, StoreOptions } from '../store.ts'
import { busOperations } from './bus.ts'
import { callOperations } from './calls.ts'
import { limitOperations } from './limits.ts'
import { sessionOperations } from './sessions.ts'
import { State } from './state.ts'
import { streamOperations } from './streams.ts'
import { valueOperations } from './values.ts'

export interface MemoryStoreOptions extends StoreOptions {
  clock?: Clock | undefined
}

/**
 * A store in memory. Several endpoints in one process that share it reach each other through it.
 *
 * @example
 * const store = memoryStore()
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const state = new State(options, options.clock ?? systemClock)
  return {
    kind: 'memory',
    async ping() {},
    async close() {
      state.sweeper.clear()
    },
    wake() {},
    ...sessionOperations(state),
    ...callOperations(state),
    ...streamOperations(state),
    ...busOperations(state, options),
    ...valueOperations(state),
    ...limitOperations(state),
  }
}
