/** What limits are counted by, in Redis. */
import type { Store } from '../store.ts'
import type { Context } from './context.ts'
import { number } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/limits.ts'

export function limitOperations({ commands }: Context): Pick<Store, 'count' | 'occupy'> {
  return {
    count: async (id, n, lifetime) => number(await commands.script(scripts.count, [keys.count(id)], [n, lifetime])),
    occupy: async (id, member, lifetime) =>
      number(await commands.script(scripts.occupy, [keys.busy(id)], [member, lifetime])),
  }
}
