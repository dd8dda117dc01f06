/** What the tests of the stores share. */
import type { Store } from '../../lib/store/store.ts'

/** A store that calls `check` after each of its operations. */
export function checked(store: Store, check: () => Promise<void>): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const result: unknown = member.apply(target, args)
        if (!(result instanceof Promise) || name === 'close' || name === 'receive') return result
        return result.then(async (value) => {
          await check()
          return value
        })
      }
    },
  })
}
