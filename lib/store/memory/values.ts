/** Values and counts that belong to no session, in memory. */
import type { LimitStore } from '../limits.ts'
import type { ValueKind, ValueStore } from '../values.ts'
import { Parts } from './parts.ts'
import type { State } from './state.ts'

export function valueOperations(state: State): ValueStore & LimitStore {
  const values = state.map<string>()
  const counts = state.map<number>()
  const busy = state.map<Map<string, number>>()
  const name = (kind: ValueKind, id: string) => `${kind}:${id}`

  const put = (key: string, value: string, lifetime: number) => {
    state.requireRoom(value.length)
    values.set(key, value, lifetime)
    values.weigh(key, key.length + value.length)
  }
  const clients = state.map<Parts>()

  return {
    async getValue(kind, id, lifetime) {
      const value = values.get(name(kind, id))
      if (lifetime !== undefined) values.touch(name(kind, id), lifetime)
      return value
    },

    async setValue(kind, id, value, lifetime) {
      put(name(kind, id), value, lifetime)
    },

    async replaceValue(kind, id, value, lifetime) {
      if (!values.has(name(kind, id))) return { status: 'gone' }
      put(name(kind, id), value, lifetime)
      return { status: 'ok' }
    },

    async addValue(kind, id, value, lifetime) {
      const present = values.get(name(kind, id))
      if (present !== undefined) return { status: present === value ? 'ok' : 'taken' }
      put(name(kind, id), value, lifetime)
      return { status: 'ok' }
    },

    async deleteValue(kind, id) {
      values.delete(name(kind, id))
    },

    async count(id, n, lifetime) {
      const total = (counts.get(id) ?? 0) + n
      counts.set(id, total, lifetime)
      return total
    },

    async weigh(id, member, bytes, lifetime) {
      const parts = clients.get(id) ?? new Parts()
      clients.set(id, parts, Math.max(lifetime, clients.timeLeft(id)))
      return parts.hold(member, bytes, lifetime, state.clock.now())
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
