/** Sessions in memory. */
import { GET_STREAM, type Owner, type SessionKey } from '../names.ts'
import { MAX_URI_BYTES } from '../options.ts'
import type { SessionStore } from '../sessions.ts'
import { Row } from './session.ts'
import type { State } from './state.ts'

export function sessionOperations(state: State): SessionStore {
  const { sessions } = state
  const onSession = state.onSession.bind(state)
  /** The sessions of each principal. */
  const owned = state.map<Set<SessionKey>>()

  function admit(key: SessionKey, { id, max }: { id: string; max: number }): boolean {
    const keys = owned.get(id) ?? new Set()
    for (const other of keys) if (!sessions.has(other)) keys.delete(other)
    if (!keys.has(key) && keys.size >= max) return false
    owned.set(id, keys.add(key), state.lifetimes.longest)
    return true
  }

  function disown(key: SessionKey, id: string): void {
    const keys = owned.get(id)
    keys?.delete(key)
    if (keys?.size === 0) owned.delete(id)
  }

  function owners(key: SessionKey): Owner[] {
    const calls = [...(state.peekLive(key)?.calls.values() ?? [])]
    return calls.map((call) => call.owner).filter((owner) => owner !== '')
  }

  return {
    async createSession(key, record, lifetime, owner, most = state.lifetimes.longest) {
      state.requireRoom(record.length)
      if (owner && !admit(key, owner)) return { status: 'full' }
      if (sessions.has(key)) return { status: 'ok' }
      state.dropLive(key)
      const position = state.nowPosition()
      const parts = { data: new Map(), subscriptions: new Map(), own: new Map(), dataBytes: 0, uriBytes: 0 }
      const born = state.clock.now()
      const fresh = { level: undefined, advanced: undefined, full: false, busy: false, used: false }
      const session = { record, kept: {}, born, ends: born + most, position, ...fresh, ...parts }
      sessions.set(key, session, Math.min(lifetime, most))
      state.weighSession(key, session)
      return { status: 'ok' }
    },

    async readSession(key, lifetime, most) {
      const now = state.clock.now()
      const session = sessions.get(key, now)
      if (!session) return undefined
      const first = lifetime !== undefined && !session.used
      if (lifetime !== undefined) {
        state.extend(key, session, lifetime, most, now)
        session.used = true
      }
      return new Row(session, first)
    },

    // Each session has its end.
    dateSession: onSession(() => ({ status: 'ok' })),

    replaceRecord: onSession((session, key, record) => {
      state.requireRoom(record.length)
      session.record = record
      session.kept = {}
      state.weighSession(key, session)
      return { status: 'ok' }
    }),

    async deleteSession(key, owner) {
      if (owner) disown(key, owner.id)
      const session = sessions.get(key)
      if (session) {
        for (const [stream, own] of session.own) {
          if (own.holder !== undefined) state.live(key).places.set(stream, { holder: own.holder, start: 0 })
        }
        state.peekLive(key)?.asks.clear()
        state.dropEmptyLive(key)
        state.endLive(key)
        sessions.delete(key)
        state.dropLogs(key)
        state.parts.delete(key)
      }
      const places = [...(state.peekLive(key)?.places.values() ?? [])]
      const notified = { holders: places.flatMap(({ holder }) => holder ?? []), owners: owners(key) }
      if (!session && notified.holders.length + notified.owners.length === 0) return { status: 'gone' }
      return { status: session ? 'ok' : 'repeated', ...notified }
    },

    setLevel: onSession((session, key, level) => {
      session.level = level
      return { status: 'ok', owners: owners(key) }
    }),

    async getData(key, name) {
      return sessions.get(key)?.data.get(name)
    },

    setData: onSession((session, key, name, value) => {
      const before = session.data.get(name)
      const bytes = (text: string | undefined) => (text === undefined ? 0 : Buffer.byteLength(name + text))
      const change = bytes(value) - bytes(before)
      if (change > 0 && session.dataBytes + change > state.dataBytes) return { status: 'full' }
      state.requireRoom(change)
      if (value === undefined) session.data.delete(name)
      else session.data.set(name, value)
      session.dataBytes += change
      state.weighSession(key, session)
      return { status: 'ok' }
    }),

    async relieve(key) {
      const session = sessions.get(key)
      if (session && state.held(key) <= (state.sessionBytes * 3) / 4) session.full = false
    },

    subscribe: onSession((session, key, uri, max) => {
      const { subscriptions } = session
      if (!subscriptions.has(uri)) {
        if (subscriptions.size >= max) return { status: 'full' }
        const bytes = Buffer.byteLength(uri)
        if (session.uriBytes + bytes > MAX_URI_BYTES) return { status: 'full' }
        state.requireRoom(bytes)
        subscriptions.set(uri, state.nowPosition())
        session.uriBytes += bytes
        state.weighSession(key, session)
      }
      return { status: 'ok', holder: state.holder(key, session, GET_STREAM) }
    }),

    unsubscribe: onSession((session, key, uri) => {
      if (session.subscriptions.delete(uri)) session.uriBytes -= Buffer.byteLength(uri)
      state.weighSession(key, session)
      return { status: 'ok', holder: state.holder(key, session, GET_STREAM) }
    }),

    async subscriptions(key) {
      return [...(sessions.get(key)?.subscriptions.keys() ?? [])]
    },
  }
}
