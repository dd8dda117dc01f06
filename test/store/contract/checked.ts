/** A store that calls `check` after each of its operations. */
import type { Store } from '../../../lib/store/store.ts'

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
