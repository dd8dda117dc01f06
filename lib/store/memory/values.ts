/** Values that belong to no session, in memory. */
import type { ValueKind, ValueStore } from '../values.ts'
import type { State } from './state.ts'

export function valueOperations(state: State): ValueStore {
  const values = state.sweeper.map<string>()
  const name = (kind: ValueKind, id: string) => `${kind}:${id}`

  return {
    async getValue(kind, id, lifetime) {
      const value = values.get(name(kind, id))
      if (lifetime !== undefined) values.touch(name(kind, id), lifetime)
      return value
    },

    async setValue(kind, id, value, lifetime) {
      values.set(name(kind, id), value, lifetime)
    },

    async replaceValue(kind, id, value, lifetime) {
      if (!values.has(name(kind, id))) return { status: 'gone' }
      values.set(name(kind, id), value, lifetime)
      return { status: 'ok' }
    },

    async addValue(kind, id, value, lifetime) {
      const present = values.get(name(kind, id))
      if (present !== undefined) return { status: present === value ? 'ok' : 'taken' }
      values.set(name(kind, id), value, lifetime)
      return { status: 'ok' }
    },

    async deleteValue(kind, id) {
      values.delete(name(kind, id))
    },
  }
}
