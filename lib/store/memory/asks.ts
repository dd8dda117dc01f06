/** Asks in memory. */
import type { AskStore } from '../asks.ts'
import type { State } from './state.ts'

export function askOperations(state: State): AskStore {
  return {
    async answer(key, ask, value) {
      const live = state.existingLive(key)
      const asked = live?.asks.get(ask)
      const call = asked && live?.calls.get(asked.stream)
      if (!call) return { status: 'unknown' }
      asked.value ??= value
      state.touchLive(key)
      return { status: asked.value === value ? 'ok' : 'late', owner: call.owner }
    },

    async closeAsk(key, ask) {
      const live = state.existingLive(key)
      const value = live?.asks.get(ask)?.value
      if (live && value === undefined) live.asks.delete(ask)
      return value
    },
  }
}
