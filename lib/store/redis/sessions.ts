/** Sessions in Redis. */
import type { SessionKey, Store } from '../store.ts'
import type { Context } from './context.ts'
import { flag, list, optional, texts } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/sessions.ts'

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

const SUBSCRIPTION = 'u:'
/** Keys of one command: all of them may be more arguments than a call of a function can have. */
const MAX_KEYS = 1_000

export function sessionOperations({ commands, lifetimes, slack, onError }: Context): SessionOperations {
  /**
   * Counts a session under its principal before it is written. The list is in another slot than the sessions, so it
   * cannot know which of them are left: where it is full, those whose time it thinks is over are asked one by one.
   */
  async function admit(key: SessionKey, lifetime: number, { id, max }: { id: string; max: number }): Promise<boolean> {
    const args = [key, max, lifetime, lifetimes.longest]
    const doubtful = await commands.script(scripts.admit, [keys.own(id)], args)
    if (doubtful === null) return true
    const others = texts(doubtful)
    if (others.length === 0) return false
    const left = await commands.run((client) => Promise.all(others.map((other) => client.pttl(keys.session(other)))))
    await commands.script(
      scripts.recount,
      [keys.own(id)],
      others.flatMap((other, i) => [other, left[i] ?? 0]),
    )
    return (await commands.script(scripts.admit, [keys.own(id)], args)) === null
  }

  function setField(key: SessionKey, field: string, value?: string): Promise<boolean> {
    const args = value === undefined ? [field] : [field, value]
    return commands.script(scripts.setField, [keys.session(key)], args).then(flag)
  }

  /**
   * Has a session live for `lifetime` from now on, and up to a hundredth longer: so the one command that this costs is
   * not needed again for as long. Nobody waits for it; where it fails, the next request sees that it was not done.
   */
  function slide(session: string, lifetime: number, last: string | undefined): void {
    const spare = Math.ceil(lifetime / 100)
    const now = Date.now()
    // The clocks of instances may differ in both directions.
    if (last !== undefined && Math.abs(now - Number(last)) < spare) return
    commands.script(scripts.slide, [session], [lifetime + spare, now]).catch(onError)
  }

  /** Undefined: no session; null: nobody. */
  function holderOf(reply: unknown): string | null | undefined {
    const holder = optional(reply)
    return holder === '' ? null : holder
  }

  return {
    async createSession(key, record, lifetime, owner) {
      if (owner && !(await admit(key, lifetime, owner))) return false
      await commands.script(scripts.createSession, [keys.session(key), keys.live(key)], [record, lifetime, slack])
      return true
    },

    async readSession(key, lifetime) {
      const session = keys.session(key)
      const fields = await commands.run((client) => client.hmget(session, 'rec', 'level', 'at'))
      const record = optional(fields[0])
      if (record === undefined) return undefined
      if (lifetime !== undefined) slide(session, lifetime, optional(fields[2]))
      return { record, level: optional(fields[1]) }
    },

    replaceRecord: (key, record) => setField(key, 'rec', record),

    async deleteSession(key, owner) {
      const scriptKeys = [keys.session(key), keys.live(key), keys.logs(key)]
      const reply = list(await commands.script(scripts.deleteSession, scriptKeys, [lifetimes.afterDelete]))
      const existed = flag(reply[0])
      const [holders, owners, streams] = [texts(reply[1]), texts(reply[2]), texts(reply[3])]
      // Last goes the list of them, which the script leaves for a DELETE that is repeated.
      const gone = streams.map((stream) => keys.log(key, stream)).concat(streams.length > 0 ? keys.logs(key) : [])
      const parts = Array.from({ length: Math.ceil(gone.length / MAX_KEYS) }, (_, i) =>
        gone.slice(i * MAX_KEYS, (i + 1) * MAX_KEYS),
      )
      await commands.run((client) =>
        Promise.all([
          ...parts.map((part) => client.unlink(...part)),
          owner ? client.zrem(keys.own(owner.id), key) : undefined,
        ]),
      )
      if (!existed && holders.length + owners.length === 0) return undefined
      return { existed, holders, owners }
    },

    async setLevel(key, level) {
      const reply = await commands.script(scripts.setLevel, [keys.session(key), keys.live(key)], [level])
      return reply === null ? undefined : texts(reply)
    },

    getData: async (key, name) => optional(await commands.run((client) => client.hget(keys.session(key), `d:${name}`))),

    setData: (key, name, value) => setField(key, `d:${name}`, value),

    async subscribe(key, uri, max) {
      const reply = await commands.script(scripts.subscribe, [keys.session(key)], [uri, slack, max])
      return reply === 0 ? false : holderOf(reply)
    },

    unsubscribe: async (key, uri) => holderOf(await commands.script(scripts.unsubscribe, [keys.session(key)], [uri])),

    async subscriptions(key) {
      const fields = await commands.run((client) => client.hkeys(keys.session(key)))
      return fields.filter((field) => field.startsWith(SUBSCRIPTION)).map((field) => field.slice(SUBSCRIPTION.length))
    },

    changePosition: async (key) => optional(await commands.run((client) => client.hget(keys.session(key), 'pos'))),
  }
}
