/** The streams of a session in memory: which connection holds one, and what its log has. */
import { comparePositions } from '../bus.ts'
import { GET_STREAM, type SessionKey } from '../names.ts'
import { STEP } from '../options.ts'
import type { Advance, LogEntry, StreamStore } from '../streams.ts'
import { isSuspended } from './journal.ts'
import type { MemorySession, Place } from './session.ts'
import { part, type State } from './state.ts'

export function streamOperations(state: State): StreamStore {
  const { sessions } = state
  const onSession = state.onSession.bind(state)

  /** The session has ended, and a repeated DELETE need not notify this holder. */
  function forgetEnded(key: SessionKey, stream: string, holder: string): void {
    const live = state.peekLive(key)
    if (live?.places.get(stream)?.holder !== holder) return
    live.places.delete(stream)
    state.dropEmptyLive(key)
  }

  /** Appends to a stream that belongs to the session; returns the number of the first entry. */
  function addOwn(key: SessionKey, session: MemorySession, stream: string, tag: string, messages: string[]): number {
    const own = state.ownStream(session, stream) ?? { holder: undefined, start: 0, end: 0 }
    session.own.set(stream, own)
    const first = own.end + 1
    const entries = messages.map((data, i) => ({ n: first + i, tag, data, final: false }))
    const { before, bytes } = state.add(key, stream, entries)
    if (Math.floor(before / STEP) !== Math.floor(bytes / STEP)) {
      if (state.hold(key, stream, bytes, state.lifetimes.open) > state.sessionBytes) session.full = true
    } else state.holdOn(key, stream, state.lifetimes.open)
    own.end += entries.length
    return first
  }

  function advancedEntries(key: SessionKey, first: number, count: number): LogEntry[] {
    return state.log(key, GET_STREAM).filter(({ n }) => n >= first && n < first + count)
  }

  function updates({ subscriptions }: MemorySession, { updates }: Advance): string[] {
    return updates.flatMap(({ uri, at, message }) => {
      const since = subscriptions.get(uri)
      return since !== undefined && comparePositions(since, at) < 0 ? message : []
    })
  }

  return {
    post: onSession((session, key, stream, message, tag, id) => {
      const posted = part(key, `${stream}\n${id}`)
      const n = state.posted.get(posted) ?? addOwn(key, session, stream, tag, [message])
      state.posted.set(posted, n, state.lifetimes.repeat)
      return { status: 'ok', n, holder: state.holder(key, session, stream), ...state.kept(key) }
    }),

    take: onSession((session, key, stream, holder, after) => {
      const call = state.call(key, stream)
      const log = state.log(key, stream)
      const own = state.ownStream(session, stream)
      if (!own && !call && log.length === 0) return { status: 'unknown' }
      const end = state.end(key, session, stream)
      const first = log[0]?.n ?? end + 1
      const place = state.place(key, session, stream)
      const position = after?.n ?? Math.min(end, Math.max(first - 1, sent(place, holder, end)))
      if (position > end) return { status: 'beyond' }
      if (position < first - 1) return { status: 'trimmed' }
      const tag = log.find(({ n }) => n === position)?.tag
      if (after?.tag && tag !== undefined && after.tag !== tag) return { status: 'beyond' }
      const previous = place?.holder
      if (own) Object.assign(own, { holder, start: position })
      else state.live(key).places.set(stream, { holder, start: position })
      state.touchLog(key, stream)
      const read = { entries: log.filter(({ n }) => n > position), end, position, tag }
      const ended = log.at(-1)?.final === true
      const suspended = isSuspended(state, key, call) ? ({ suspended: true } as const) : {}
      return { status: 'ok', ...read, previous, owner: call?.owner, ended, level: session.level, ...suspended }
    }),

    look: onSession((session, key, stream, holder, { n: after, tag }, lifetime, most) => {
      const log = state.log(key, stream)
      const end = state.end(key, session, stream)
      const first = log[0]?.n ?? end + 1
      const at = log.find(({ n }) => n === after)?.tag
      const owner = state.call(key, stream)?.owner
      const over = owner === undefined && !state.ownStream(session, stream) && log.length === 0
      const current = state.holder(key, session, stream)
      // A call that ended without a log has left no holder.
      if (over && current === undefined) return { status: 'ok', entries: [], owner, ended: true, ...state.kept(key) }
      const unreadable = after > end || after < first - 1 || (tag !== '' && at !== undefined && at !== tag)
      if (current !== holder || unreadable) return { status: 'moved' }
      state.extend(key, session, lifetime, most)
      state.touchLive(key)
      state.touchLog(key, stream)
      const ended = over || log.at(-1)?.final === true
      const subscribed = state.ownStream(session, stream) && session.subscriptions.size > 0 ? true : undefined
      const entries = log.filter(({ n }) => n > after)
      const suspended = isSuspended(state, key, state.call(key, stream)) ? ({ suspended: true } as const) : {}
      return { status: 'ok', entries, owner, ended, subscribed, ...suspended, ...state.kept(key) }
    }),

    trim: onSession((session, key, stream, holder, upTo) => {
      if (state.ownStream(session, stream)?.holder !== holder) return { status: 'moved' }
      const bytes = state.dropUpTo(key, stream, upTo)
      if (state.partsOf(key).bytesOf(stream) > 0) state.hold(key, stream, bytes, state.lifetimes.open)
      return { status: 'ok', ...state.kept(key) }
    }),

    async release(key, stream, holder, sent) {
      const session = sessions.get(key)
      if (!session) return forgetEnded(key, stream, holder)
      const place = state.place(key, session, stream)
      if ((place?.holder ?? '') !== holder) return
      if (place) Object.assign(place, { holder: undefined, start: state.end(key, session, stream) })
      const live = state.peekLive(key)
      if (live && !live.calls.has(stream)) live.places.delete(stream)
      state.dropEmptyLive(key)
      if (!sent) return
      const { delivered } = state.lifetimes
      state.logs.shorten(part(key, stream), delivered)
      state.parts.get(key)?.keepFor(stream, delivered, state.clock.now())
    },

    replaceHolder: onSession((session, _key, stream, expected, holder) => {
      const current = session.own.get(stream)?.holder
      if (current !== (expected || undefined) && current !== (holder || undefined)) {
        return { status: 'moved', holder: current }
      }
      if (holder === '') session.own.delete(stream)
      else session.own.set(stream, { holder, start: 0, end: 0 })
      return { status: 'ok' }
    }),

    async readLog(key, stream) {
      return sessions.has(key) ? [...state.log(key, stream)] : []
    },

    async changePosition(key) {
      return sessions.get(key)?.position
    },

    advance: onSession((session, key, advance) => {
      const { holder, tag, from, to, messages } = advance
      if (state.holder(key, session, GET_STREAM) !== holder) return { status: 'moved' }
      const id = `${holder} ${from} ${to}`
      const last = session.advanced
      if (last?.id === id && session.position === to) {
        return { status: 'ok', entries: advancedEntries(key, last.first, last.count) }
      }
      if (session.position !== from) return { status: 'moved' }
      const all = [...messages, ...updates(session, advance)]
      const first = addOwn(key, session, GET_STREAM, tag, all)
      session.position = to
      session.advanced = { id, first, count: all.length }
      return { status: 'ok', entries: advancedEntries(key, first, all.length) }
    }),
  }
}

/** The last number of a stream that a holder was sent. */
function sent(place: Place | undefined, holder: string, end: number): number {
  if (!place) return 0
  // Another holder was sent everything. The same holder again: its reply was lost.
  return place.holder === undefined || place.holder === holder ? place.start : end
}
