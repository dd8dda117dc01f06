/** Values that belong to no session, in memory. */
import type { Store, ValueKind } from '../store.ts'
import type { State } from './state.ts'

type ValueOperations = Pick<Store, 'getValue' | 'setValue' | 'replaceValue' | 'addValue' | 'deleteValue'>

export function valueOperations(state: State): ValueOperations {
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
      if (!values.has(name(kind, id))) return false
      values.set(name(kind, id), value, lifetime)
      return true
    },

    async addValue(kind, id, value, lifetime) {
      const present = values.get(name(kind, id))
      if (present !== undefined) return present === value
      values.set(name(kind, id), value, lifetime)
      return true
    },

    async deleteValue(kind, id) {
      values.delete(name(kind, id))
    },
  }
}
