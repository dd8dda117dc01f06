/** Calls in memory. */
import type { Append, AppendReply, CallStore } from '../calls.ts'
import type { SessionKey } from '../names.ts'
import { MAX_MARKS, STEP } from '../options.ts'
import type { LogEntry } from '../streams.ts'
import { isSuspended, takeCall } from './journal.ts'
import { answersOf, asksOf, forget, newDurable, ownedCall, register } from './registration.ts'
import type { Call, MemorySession } from './session.ts'
import { part, type State } from './state.ts'

export function callOperations(state: State): CallStore {
  const { sessions } = state
  const onSession = state.onSession.bind(state)

  /** Counts a log of so many bytes. A session that keeps too much is marked as full. */
  function bound(key: SessionKey, session: MemorySession, stream: string, bytes: number, more: number, final: boolean) {
    const lifetime = final ? state.lifetimes.ended : state.lifetimes.open
    const sum = state.hold(key, stream, bytes + more, lifetime)
    if (sum <= state.sessionBytes) return
    session.full = true
    const kept = state.shrink(key, stream, Math.max(0, bytes - (sum - state.sessionBytes)))
    state.hold(key, stream, kept + more, lifetime)
  }

  /** True where the same run has added these very entries before, and its reply was lost. */
  function isRepeat(log: LogEntry[], end: number, { from, messages, tag }: Append): boolean {
    const last = from + messages.length - 1
    return messages.length > 0 && last <= end && log.find((entry) => entry.n === last)?.tag === tag
  }

  function append(key: SessionKey, session: MemorySession, append: Append): AppendReply['status'] {
    const { stream, owner, from, messages, tag, final } = append
    const end = state.end(key, session, stream)
    if (isRepeat(state.log(key, stream), end, append)) return 'ok'
    state.requireRoom(messages.reduce((sum, data) => sum + data.length, 0))
    const registered = append.register && register(state, key, session, append.register)
    if (typeof registered === 'string') return registered
    const call = ownedCall(state, key, stream, owner)
    if (!call) return 'lost'
    if (call.cancelled) return 'cancelled'
    if (append.durable) call.durable ??= newDurable()
    if (from > end + 1) return 'gap'
    if (from <= end) return 'lost'
    const last = final ? messages.length - 1 : undefined
    const entries = messages.map((data, i) => ({ n: from + i, tag, data, final: i === last }))
    const { before, bytes } = state.add(key, stream, entries)
    const counts = entries.length > 0 && (final || Math.floor(before / STEP) !== Math.floor(bytes / STEP))
    const more = final ? 0 : Buffer.byteLength(call.request ?? '')
    if (counts) bound(key, session, stream, bytes, more, final)
    else if (!final) state.holdOn(key, stream, state.lifetimes.open)
    const live = state.live(key)
    for (const ask of append.asks ?? []) if (!live.asks.has(ask)) live.asks.set(ask, { stream, value: undefined })
    addDurable(key, session, call, append)
    if (final) forget(state, key, call, append.forget)
    return 'ok'
  }

  function addDurable(key: SessionKey, { ends }: MemorySession, { stream, durable }: Call, append: Append): void {
    if (!durable) return
    const { said, durableAsks = [] } = append
    if (said !== undefined) durable.said = said
    const { asks } = state.live(key)
    for (const { id, key: name, digest, timeout } of durableAsks) {
      if (asks.has(id)) continue
      asks.set(id, { stream, value: undefined, deadline: Math.min(state.clock.now() + timeout, ends) })
      durable.asks.set(name, { id, digest })
    }
  }

  /** Ends a call that nobody runs; returns the holder of its stream. */
  function endIdle(key: SessionKey, session: MemorySession, call: Call): string | undefined {
    const { stream } = call
    const n = state.end(key, session, stream) + 1
    const { bytes } = state.add(key, stream, [{ n, tag: '', data: '', final: true }])
    if (state.partsOf(key).bytesOf(stream) > 0) state.hold(key, stream, bytes, state.lifetimes.ended)
    const holder = state.holder(key, session, stream)
    forget(state, key, call, asksOf(state, key, stream))
    const { endRepeat } = state.lifetimes
    state.idle.set(part(key, call.id), stream, endRepeat)
    state.over.set(part(key, stream), { owner: '', cancelled: true }, endRepeat)
    return holder
  }

  return {
    register: onSession((session, key, registration) => {
      const call = register(state, key, session, registration)
      if (typeof call === 'string') return { status: call }
      return { status: 'ok', cancelled: call.cancelled, level: session.level }
    }),

    async append(key, what) {
      const session = sessions.get(key)
      if (!session) return { status: 'gone', end: 0, holder: undefined, level: undefined, held: 0, heldFor: 0 }
      const status = append(key, session, what)
      const [end, holder] = [state.end(key, session, what.stream), state.holder(key, session, what.stream)]
      return { status, end, holder, level: session.level, ...state.kept(key) }
    },

    endCall: onSession((session, key, { stream, owner, mark, forget: asks }) => {
      const holder = state.holder(key, session, stream)
      const over = state.over.get(part(key, stream))
      if (over?.owner === owner) return { status: 'ok', cancelled: over.cancelled, holder }
      const call = ownedCall(state, key, stream, owner)
      if (!call) return { status: 'lost' }
      const n = state.end(key, session, stream) + 1
      const kept = mark ? state.add(key, stream, [{ n, tag: '', data: '', final: true }]).bytes : 0
      if (state.partsOf(key).bytesOf(stream) > 0) state.hold(key, stream, kept, state.lifetimes.ended)
      // Nothing was logged and nothing is now: nobody can resume the stream.
      const unlogged = n === 1 && !mark
      if (unlogged) state.live(key).places.delete(stream)
      const { cancelled } = call
      forget(state, key, call, asks)
      state.over.set(part(key, stream), { owner, cancelled }, state.lifetimes.endRepeat)
      return { status: 'ok', cancelled, holder: unlogged ? undefined : holder }
    }),

    async calls(key) {
      const live = state.existingLive(key)
      return [...(live?.calls.values() ?? [])].map((call) => {
        const { id, stream, owner } = call
        const entry = { id, stream, owner, holder: live?.places.get(stream)?.holder }
        return isSuspended(state, key, call) ? { ...entry, suspended: true } : entry
      })
    },

    async countCalls(key, max) {
      const count = state.existingLive(key)?.calls.size ?? 0
      const session = sessions.get(key)
      if (session && count < max) session.busy = false
      return count
    },

    lookCall: onSession((session, key, stream, owner, asks, lifetime, most) => {
      const call = ownedCall(state, key, stream, owner)
      if (!call) return { status: 'lost' }
      const answers = new Map<string, string>()
      state.extend(key, session, lifetime, most)
      state.touchLog(key, stream)
      state.holdOn(key, answersOf(stream), state.lifetimes.open)
      const live = state.live(key)
      for (const ask of asks) {
        const value = live.asks.get(ask)?.value
        if (value !== undefined) answers.set(ask, value)
      }
      const holder = state.holder(key, session, stream)
      return { status: 'ok', cancelled: call.cancelled, level: session.level, answers, holder, ...state.kept(key) }
    }),

    claim: onSession((session, key, stream, expected, owner, evenSuspended = false) => {
      const call = state.call(key, stream)
      if (!call) return { status: 'over' }
      if (call.owner !== expected && call.owner !== owner) return { status: 'lost' }
      if (!evenSuspended && isSuspended(state, key, call)) return { status: 'suspended' }
      const { stream: _, ...claimed } = takeCall(state, key, session, call, owner)
      return claimed
    }),

    async releaseCall(key, stream, owner) {
      const call = sessions.has(key) ? ownedCall(state, key, stream, owner) : undefined
      if (!call) return
      call.owner = ''
      state.touchLive(key)
    },

    async cancel(key, id) {
      const session = sessions.get(key)
      if (!session) return { status: 'unknown' }
      const live = state.peekLive(key)
      let call = state.call(key, live?.ids.get(id) ?? '')
      if (!call) {
        const others = [...(live?.calls.values() ?? [])].filter((other) => other.id === id)
        call = others.sort((a, b) => (a.stream < b.stream ? -1 : 1))[0]
      }
      const before = call ? undefined : state.idle.get(part(key, id))
      if (before !== undefined) return { status: 'ended', holder: state.holder(key, session, before), stream: before }
      if (!call) {
        const { cancelMark } = state.lifetimes
        const count = (state.markCounts.get(key) ?? 0) + 1
        if (count === 1) state.markCounts.set(key, count, cancelMark)
        else state.markCounts.replace(key, count)
        if (count > MAX_MARKS) return { status: 'unknown' }
        state.marks.set(part(key, id), state.clock.now(), cancelMark)
        state.marks.weigh(part(key, id), id.length)
        return { status: 'unknown' }
      }
      if (call.owner === '') return { status: 'ended', holder: endIdle(key, session, call), stream: call.stream }
      call.cancelled = true
      return { status: 'ok', owner: call.owner, stream: call.stream }
    },
  }
}
