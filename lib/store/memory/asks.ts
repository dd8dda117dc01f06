/** The asks of calls in memory. */
import type { AskStore } from '../asks.ts'
import { TIMED_OUT } from '../journal.ts'
import { COUNTED } from '../options.ts'
import { isPast, takeCall } from './journal.ts'
import { answersOf } from './registration.ts'
import type { State } from './state.ts'

export function askOperations(state: State): AskStore {
  return {
    async answer(key, ask, value, taker, attend) {
      const asking = state.existingLive(key)?.asks.get(ask)
      const run = asking && state.call(key, asking.stream)
      if (taker && run?.owner === '' && run.durable?.suspended) await attend?.()
      const session = state.sessions.get(key)
      const live = state.existingLive(key)
      const asked = live?.asks.get(ask)
      const call = asked && live?.calls.get(asked.stream)
      if (!session || !call) return { status: 'unknown' }
      const bytes = Buffer.byteLength(value)
      if (asked.value === undefined && bytes >= COUNTED) {
        if (state.held(key) + bytes > state.sessionBytes) return { status: 'full' }
        state.requireRoom(bytes)
        const part = answersOf(asked.stream)
        state.hold(key, part, state.partsOf(key).bytesOf(part) + bytes, state.lifetimes.open)
      }
      asked.value ??= value
      state.weighLive(key)
      state.touchLive(key)
      const status = asked.value === value ? 'ok' : 'late'
      const waits = call.owner === '' && call.durable?.suspended?.asks.includes(ask)
      if (!taker || (!waits && call.owner !== taker)) return { status, owner: call.owner }
      return { status, owner: taker, taken: takeCall(state, key, session, call, taker) }
    },

    async closeAsk(key, ask) {
      const live = state.existingLive(key)
      const asked = live?.asks.get(ask)
      if (!live || !asked) return undefined
      if (asked.value !== undefined) return asked.value
      if (asked.deadline === undefined) live.asks.delete(ask)
      else if (isPast(state, asked)) asked.value = TIMED_OUT
      return asked.value
    },
  }
}
