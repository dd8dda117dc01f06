/** A store with operations that a test delays or lets fail. */
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'

/** Replaces an operation of the store. `proceed` runs the operation with its arguments `args`. */
export type Step = (proceed: () => Promise<unknown>, ...args: unknown[]) => Promise<unknown>

export function interceptedStore(steps: Partial<Record<keyof Store, Step>>, store = memoryStore()): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = target[name]
      const step = steps[name]
      if (typeof value !== 'function') return value
      const operation = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      return step ? (...args: unknown[]) => step(() => operation(...args), ...args) : operation
    },
  })
}
