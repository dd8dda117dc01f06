/** Counts for limits, in Redis. */
import type { LimitStore } from '../limits.ts'
import type { Commands } from './commands.ts'
import * as scripts from './scripts/limits.ts'

export function limitOperations(commands: Commands): LimitStore {
  return {
    count: (id, n, lifetime) => commands.script(scripts.count, { id, n, lifetime }),
    occupy: (id, member, lifetime) => commands.script(scripts.occupy, { id, member, lifetime }),
  }
}
