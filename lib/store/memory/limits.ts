/** Counts for limits, in memory. */
import type { LimitStore } from '../limits.ts'
import type { State } from './state.ts'

export function limitOperations(state: State): LimitStore {
  const counts = state.sweeper.map<number>()
  const busy = state.sweeper.map<Map<string, number>>()

  return {
    async count(id, n, lifetime) {
      const total = (counts.get(id) ?? 0) + n
      counts.set(id, total, lifetime)
      return total
    },

    async occupy(id, member, lifetime) {
      const now = state.clock.now()
      const members = busy.get(id) ?? new Map<string, number>()
      for (const [other, until] of members) if (until <= now) members.delete(other)
      if (member !== '' && lifetime > 0) members.set(member, now + lifetime)
      else if (member !== '') members.delete(member)
      if (members.size === 0) busy.delete(id)
      else busy.set(id, members, Math.max(...members.values()) - now)
      return members.size
    },
  }
}
