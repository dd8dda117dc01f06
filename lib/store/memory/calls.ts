/** Calls and their asks in memory. */
import type { AskStore } from '../asks.ts'
import type { Append, AppendReply, CallStore, Registration } from '../calls.ts'
import type { SessionKey } from '../names.ts'
import { COUNTED, MAX_MARKS, STEP } from '../options.ts'
import type { LogEntry } from '../streams.ts'
import type { Call, MemorySession } from './session.ts'
import { part, type State } from './state.ts'

export function callOperations(state: State): CallStore & AskStore {
  const { sessions } = state
  const onSession = state.onSession.bind(state)

  /** The call of a stream, if this run owns it. */
  function ownedCall(key: SessionKey, stream: string, owner: string): Call | undefined {
    const call = state.call(key, stream)
    return call?.owner === owner ? call : undefined
  }

  /** Registers a call, or returns why it is refused. */
  function register(key: SessionKey, session: MemorySession, registration: Registration): Call | 'lost' {
    const { id, stream, owner, holder, request, max, markAge = Number.POSITIVE_INFINITY } = registration
    const running = state.peekLive(key)?.calls.get(stream)
    if (running) return running.owner === owner ? running : 'lost'
    if (state.over.has(part(key, stream)) || state.log(key, stream).at(-1)?.final) return 'lost'
    const marked = state.marks.get(part(key, id))
    const cancelled = marked !== undefined && marked >= state.clock.now() - markAge
    if (cancelled) state.marks.delete(part(key, id))
    const call = { id, stream, owner, request: countRequest(key, stream, request), cancelled }
    const live = state.live(key)
    live.calls.set(stream, call)
    live.ids.set(id, stream)
    if (holder !== undefined) live.places.set(stream, { holder, start: 0 })
    if (max !== undefined && live.calls.size >= max) session.busy = true
    state.weighLive(key)
    return call
  }

  /** The request, or undefined where the session keeps as much as it may: no other instance can run the call again then. */
  function countRequest(key: SessionKey, stream: string, request: string | undefined): string | undefined {
    const bytes = Buffer.byteLength(request ?? '')
    if (bytes < COUNTED) return request
    if (state.held(key) + bytes > state.sessionBytes) return undefined
    state.requireRoom(bytes)
    state.hold(key, stream, bytes, state.lifetimes.open)
    return request
  }

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
    const registered = append.register && register(key, session, append.register)
    if (typeof registered === 'string') return registered
    const call = ownedCall(key, stream, owner)
    if (!call) return 'lost'
    if (call.cancelled) return 'cancelled'
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
    if (final) forget(key, call, append.forget)
    return 'ok'
  }

  function forget(key: SessionKey, call: Call, asks: string[] | undefined): void {
    if (asks && asks.length > 0) state.hold(key, answersOf(call.stream), 0, 0)
    state.forget(key, call, asks)
  }

  return {
    register: onSession((session, key, registration) => {
      const call = register(key, session, registration)
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
      const call = ownedCall(key, stream, owner)
      if (!call) return { status: 'lost' }
      const n = state.end(key, session, stream) + 1
      const kept = mark ? state.add(key, stream, [{ n, tag: '', data: '', final: true }]).bytes : 0
      if (state.partsOf(key).bytesOf(stream) > 0) state.hold(key, stream, kept, state.lifetimes.ended)
      // Nothing was logged and nothing is now: nobody can resume the stream.
      const unlogged = n === 1 && !mark
      if (unlogged) state.live(key).places.delete(stream)
      const { cancelled } = call
      forget(key, call, asks)
      state.over.set(part(key, stream), { owner, cancelled }, state.lifetimes.endRepeat)
      return { status: 'ok', cancelled, holder: unlogged ? undefined : holder }
    }),

    async calls(key) {
      const live = state.existingLive(key)
      return [...(live?.calls.values() ?? [])].map(({ id, stream, owner }) => {
        return { id, stream, owner, holder: live?.places.get(stream)?.holder }
      })
    },

    async countCalls(key, max) {
      const count = state.existingLive(key)?.calls.size ?? 0
      const session = sessions.get(key)
      if (session && count < max) session.busy = false
      return count
    },

    lookCall: onSession((session, key, stream, owner, asks, lifetime, most) => {
      const call = ownedCall(key, stream, owner)
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

    claim: onSession((session, key, stream, expected, owner) => {
      const call = state.call(key, stream)
      if (!call) return { status: 'over' }
      if (call.owner !== expected && call.owner !== owner) return { status: 'lost' }
      call.owner = owner
      const asks = [...state.live(key).asks].flatMap(([ask, asked]) => (asked.stream === stream ? ask : []))
      const { cancelled, id, request } = call
      return { status: 'ok', cancelled, end: state.end(key, session, stream), id, request, asks }
    }),

    async releaseCall(key, stream, owner) {
      const call = sessions.has(key) ? ownedCall(key, stream, owner) : undefined
      if (!call) return
      call.owner = ''
      state.touchLive(key)
    },

    async cancel(key, id) {
      if (!sessions.has(key)) return { status: 'unknown' }
      const live = state.peekLive(key)
      let call = state.call(key, live?.ids.get(id) ?? '')
      if (!call) {
        const others = [...(live?.calls.values() ?? [])].filter((other) => other.id === id)
        call = others.sort((a, b) => (a.stream < b.stream ? -1 : 1))[0]
      }
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
      call.cancelled = true
      return { status: 'ok', owner: call.owner, stream: call.stream }
    },

    async answer(key, ask, value) {
      const live = state.existingLive(key)
      const asked = live?.asks.get(ask)
      const call = asked && live?.calls.get(asked.stream)
      if (!call) return { status: 'unknown' }
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

/** The part of what a session keeps that has the answers to the asks of a call. */
function answersOf(stream: string): string {
  return `${stream} answers`
}
