/** Calls and asks in memory. */
import type { Append, AppendReply, LogEntry, RegisterReply, Registration, SessionKey, Store } from '../store.ts'
import type { Call, MemorySession, State } from './state.ts'
import { part } from './state.ts'

type CallOperations = Pick<
  Store,
  'register' | 'append' | 'endCall' | 'lookCall' | 'calls' | 'claim' | 'releaseCall' | 'cancel' | 'answer' | 'closeAsk'
>

export function callOperations(state: State): CallOperations {
  const { sessions } = state

  /** The call of a stream, if this run owns it. */
  function ownedCall(key: SessionKey, stream: string, owner: string): Call | undefined {
    const call = state.peekLive(key)?.calls.get(stream)
    return call?.owner === owner ? call : undefined
  }

  function register(key: SessionKey, registration: Registration): Call | 'full' | undefined {
    const { id, stream, owner, holder, request, max } = registration
    const at = state.peekLive(key)?.ids.get(id)
    if (at !== undefined) return at === stream ? ownedCall(key, stream, owner) : undefined
    if (state.peekLive(key)?.calls.has(stream) || state.over.has(part(key, stream))) return undefined
    if (state.log(key, stream).at(-1)?.final) return undefined
    if (max !== undefined && (state.peekLive(key)?.calls.size ?? 0) >= max) return 'full'
    // The mark stays: a repeated registration must see it too.
    const call = { id, stream, owner, request, cancelled: state.marks.has(part(key, id)) }
    const live = state.live(key)
    live.calls.set(stream, call)
    live.ids.set(id, stream)
    if (holder !== undefined) live.places.set(stream, { holder, start: 0 })
    return call
  }

  function appendReply(
    key: SessionKey,
    session: MemorySession,
    stream: string,
    status: AppendReply['status'],
  ): AppendReply {
    return {
      status,
      end: state.end(key, session, stream),
      holder: state.holder(key, session, stream),
      level: session.level,
    }
  }

  /** The same run has added these very entries before: its reply was lost. */
  function isRepeat(log: LogEntry[], end: number, { from, messages, tag }: Append): boolean {
    const last = from + messages.length - 1
    return messages.length > 0 && last <= end && log.find((entry) => entry.n === last)?.tag === tag
  }

  function append(key: SessionKey, session: MemorySession, append: Append): AppendReply['status'] {
    const { stream, owner, from, messages, tag, final } = append
    const end = state.end(key, session, stream)
    if (isRepeat(state.log(key, stream), end, append)) return 'ok'
    const registered = append.register && register(key, append.register)
    if (registered === 'full') return 'full'
    if (append.register && !registered) return 'taken'
    const call = ownedCall(key, stream, owner)
    if (!call) return 'lost'
    if (call.cancelled) return 'cancelled'
    if (from > end + 1) return 'gap'
    if (from <= end) return 'lost'
    const entries = messages.map((data, i) => ({
      n: from + i,
      tag,
      data,
      final: final && i === messages.length - 1,
    }))
    if (entries.length > 0) state.add(key, stream, entries)
    const live = state.live(key)
    for (const ask of append.asks ?? []) if (!live.asks.has(ask)) live.asks.set(ask, { stream, value: undefined })
    if (final) state.forget(key, call, append.forget)
    return 'ok'
  }

  return {
    async register(key, registration): Promise<RegisterReply> {
      const session = sessions.get(key)
      if (!session) return { status: 'gone', cancelled: false, level: undefined }
      const call = register(key, registration)
      if (call === 'full') return { status: 'full', cancelled: false, level: session.level }
      return { status: call ? 'ok' : 'taken', cancelled: call?.cancelled ?? false, level: session.level }
    },

    async append(key, what) {
      const session = sessions.get(key)
      if (!session) return { status: 'gone', end: 0, holder: undefined, level: undefined }
      const status = append(key, session, what)
      return appendReply(key, session, what.stream, status)
    },

    async endCall(key, { stream, owner, mark, forget }) {
      const session = sessions.get(key)
      if (!session) return { status: 'gone', cancelled: false, holder: undefined }
      const holder = state.holder(key, session, stream)
      const over = state.over.get(part(key, stream))
      if (over?.owner === owner) return { status: 'ok', cancelled: over.cancelled, holder }
      const call = ownedCall(key, stream, owner)
      if (!call) return { status: 'lost', cancelled: false, holder: undefined }
      if (mark) {
        state.add(key, stream, [{ n: state.end(key, session, stream) + 1, tag: '', data: '', final: true }])
      }
      const { cancelled } = call
      state.forget(key, call, forget)
      state.over.set(part(key, stream), { owner, cancelled }, state.lifetimes.endRepeat)
      return { status: 'ok', cancelled, holder }
    },

    async calls(key) {
      const live = sessions.has(key) ? state.peekLive(key) : undefined
      return [...(live?.calls.values() ?? [])].map(({ stream, owner }) => ({ stream, owner }))
    },

    async lookCall(key, stream, owner, asks, lifetime) {
      const session = sessions.get(key)
      const answers = new Map<string, string>()
      if (!session) return { status: 'gone', cancelled: false, level: undefined, answers, holder: undefined }
      const call = ownedCall(key, stream, owner)
      if (!call) return { status: 'lost', cancelled: false, level: undefined, answers, holder: undefined }
      sessions.touch(key, lifetime)
      state.touchLog(key, stream)
      const live = state.live(key)
      for (const ask of asks) {
        const value = live.asks.get(ask)?.value
        if (value !== undefined) answers.set(ask, value)
      }
      return {
        status: 'ok',
        cancelled: call.cancelled,
        level: session.level,
        answers,
        holder: state.holder(key, session, stream),
      }
    },

    async claim(key, stream, expected, owner) {
      const refused = { cancelled: false, end: 0, id: undefined, request: undefined }
      const session = sessions.get(key)
      if (!session) return { status: 'gone', ...refused }
      const call = state.peekLive(key)?.calls.get(stream)
      if (!call) return { status: 'over', ...refused }
      if (call.owner !== expected && call.owner !== owner) return { status: 'lost', ...refused }
      call.owner = owner
      state.touchLive(key)
      const { cancelled, id, request } = call
      return { status: 'ok', cancelled, end: state.end(key, session, stream), id, request }
    },

    async releaseCall(key, stream, owner) {
      const call = sessions.has(key) ? ownedCall(key, stream, owner) : undefined
      if (!call) return
      call.owner = ''
      state.touchLive(key)
    },

    async cancel(key, id) {
      const none = { owner: undefined, stream: undefined }
      if (!sessions.has(key)) return none
      const live = state.peekLive(key)
      const stream = live?.ids.get(id)
      const call = stream === undefined ? undefined : live?.calls.get(stream)
      if (!call) {
        state.marks.set(part(key, id), true, state.lifetimes.cancelMark)
        return none
      }
      call.cancelled = true
      return { owner: call.owner, stream: call.stream }
    },

    async answer(key, ask, value) {
      const live = sessions.has(key) ? state.peekLive(key) : undefined
      const asked = live?.asks.get(ask)
      const call = asked && live?.calls.get(asked.stream)
      if (!call) return { stored: false, owner: undefined }
      asked.value ??= value
      state.touchLive(key)
      return { stored: asked.value === value, owner: call.owner }
    },

    async closeAsk(key, ask) {
      const live = sessions.has(key) ? state.peekLive(key) : undefined
      const value = live?.asks.get(ask)?.value
      if (live && value === undefined) live.asks.delete(ask)
      return value
    },
  }
}
