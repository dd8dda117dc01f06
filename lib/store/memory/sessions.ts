/** Sessions in memory. */
import type { Holder, Owner, SessionKey, Store } from '../store.ts'
import { GET_STREAM } from '../store.ts'
import type { State } from './state.ts'

type SessionOperations = Pick<
  Store,
  | 'createSession'
  | 'readSession'
  | 'replaceRecord'
  | 'deleteSession'
  | 'setLevel'
  | 'getData'
  | 'setData'
  | 'subscribe'
  | 'unsubscribe'
  | 'subscriptions'
  | 'changePosition'
>

export function sessionOperations(state: State): SessionOperations {
  const { sessions } = state
  /** The sessions of each principal. */
  const owned = state.sweeper.map<Set<SessionKey>>()

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

  function told(key: SessionKey): { holders: Holder[]; owners: Owner[] } {
    const live = state.peekLive(key)
    const holders = [...(live?.places.values() ?? [])].flatMap((place) => place.holder ?? [])
    return { holders, owners: owners(key) }
  }

  function owners(key: SessionKey): Owner[] {
    const calls = [...(state.peekLive(key)?.calls.values() ?? [])]
    return calls.map((call) => call.owner).filter((owner) => owner !== '')
  }

  return {
    async createSession(key, record, lifetime, owner) {
      if (owner && !admit(key, owner)) return false
      if (sessions.has(key)) return true
      state.dropLive(key)
      const position = state.nowPosition()
      sessions.set(
        key,
        {
          record,
          level: undefined,
          data: new Map(),
          subscriptions: new Map(),
          position,
          own: new Map(),
          advanced: undefined,
        },
        lifetime,
      )
      return true
    },

    async readSession(key, lifetime) {
      const session = sessions.get(key)
      if (!session) return undefined
      if (lifetime !== undefined) sessions.touch(key, lifetime)
      return { record: session.record, level: session.level }
    },

    async replaceRecord(key, record) {
      const session = sessions.get(key)
      if (!session) return false
      session.record = record
      return true
    },

    async deleteSession(key, owner) {
      if (owner) disown(key, owner.id)
      const session = sessions.get(key)
      if (session) {
        for (const [stream, own] of session.own) {
          if (own.holder !== undefined) state.live(key).places.set(stream, { holder: own.holder, start: 0 })
        }
        const live = state.peekLive(key)
        live?.asks.clear()
        state.dropEmptyLive(key)
        state.touchLive(key, state.lifetimes.afterDelete)
        sessions.delete(key)
        state.dropLogs(key)
      }
      const { holders, owners } = told(key)
      if (!session && holders.length + owners.length === 0) return undefined
      return { existed: session !== undefined, holders, owners }
    },

    async setLevel(key, level) {
      const session = sessions.get(key)
      if (!session) return undefined
      session.level = level
      return owners(key)
    },

    async getData(key, name) {
      return sessions.get(key)?.data.get(name)
    },

    async setData(key, name, value) {
      const session = sessions.get(key)
      if (!session) return false
      if (value === undefined) session.data.delete(name)
      else session.data.set(name, value)
      return true
    },

    async subscribe(key, uri, max) {
      const session = sessions.get(key)
      if (!session) return undefined
      const { subscriptions } = session
      if (!subscriptions.has(uri)) {
        if (subscriptions.size >= max) return false
        subscriptions.set(uri, state.nowPosition())
      }
      return state.holder(key, session, GET_STREAM) ?? null
    },

    async unsubscribe(key, uri) {
      const session = sessions.get(key)
      if (!session) return undefined
      session.subscriptions.delete(uri)
      return state.holder(key, session, GET_STREAM) ?? null
    },

    async subscriptions(key) {
      return [...(sessions.get(key)?.subscriptions.keys() ?? [])]
    },

    async changePosition(key) {
      return sessions.get(key)?.position
    },
  }
}
