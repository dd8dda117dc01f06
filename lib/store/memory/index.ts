/**
 * The store in this process, for one instance or for several in one process. It passes the same contract tests as Redis,
 * but nothing outlives the process.
 */
import { type Clock, systemClock } from '../../base/clock.ts'
import { quarterOfHeap } from '../../base/heap.ts'
import { checkStoreOptions, checkWhole, NEARLY_FULL, type StoreOptions } from '../options.ts'
import type { Store } from '../store.ts'
import type { TaskStore } from '../tasks.ts'
import { askOperations } from './asks.ts'
import { busOperations } from './bus.ts'
import { callOperations } from './calls.ts'
import { journalOperations } from './journal.ts'
import { sessionOperations } from './sessions.ts'
import { State } from './state.ts'
import { streamOperations } from './streams.ts'
import { valueOperations } from './values.ts'

interface MemoryStoreOptions extends StoreOptions {
  clock?: Clock | undefined
  /** Bytes that the store keeps in all; default: a quarter of the heap. Beyond them what adds to it is refused. */
  maxBytes?: number | undefined
}

/**
 * A store in memory. Several endpoints in one process that share it reach each other through it.
 *
 * @throws TypeError for an option that cannot work
 *
 * @example
 * const store = memoryStore()
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkStoreOptions(options)
  checkWhole('maxBytes', options.maxBytes)
  const state = new State(options, options.clock ?? systemClock, options.maxBytes ?? quarterOfHeap())
  let tasks: Promise<TaskStore> | undefined
  return {
    name: 'memory',
    leavesProcess: false,
    nearlyFull: () => state.isFull(NEARLY_FULL),
    async ping() {},
    async close() {
      state.clear()
    },
    wake() {},
    tasks() {
      tasks ??= import('./tasks.ts').then(({ taskOperations }) => taskOperations(state))
      return tasks
    },
    ...sessionOperations(state),
    ...callOperations(state),
    ...askOperations(state),
    ...journalOperations(state),
    ...streamOperations(state),
    ...busOperations(state, options),
    ...valueOperations(state),
  }
}
