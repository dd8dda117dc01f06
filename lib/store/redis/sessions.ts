/** Sessions in Redis. */
import { systemClock } from '../../base/clock.ts'
import type { SessionKey } from '../names.ts'
import type { SessionRow, SessionStore, WriteReply } from '../sessions.ts'
import type { Commands } from './commands.ts'
import { nothing, optional } from './scripts/decode.ts'
import { keys } from './scripts/keys.ts'
import * as scripts from './scripts/sessions.ts'

const SUBSCRIPTION = 'u:'
/** Keys of one command. The arguments of a JavaScript call are bounded, so a long list is sent in parts. */
const MAX_KEYS = 1_000

export function sessionOperations(commands: Commands, onError: (error: unknown) => void): SessionStore {
  /**
   * Counts a session under its principal before it is written. The list is in another slot than the sessions, so its
   * script cannot see which sessions still exist: where the list is full, each session that may have expired is looked up.
   */
  async function admit(key: SessionKey, lifetime: number, { id, max }: { id: string; max: number }): Promise<boolean> {
    const counted = { principal: id, session: key, max, lifetime }
    const sessions = await commands.script(scripts.admit, counted)
    if (sessions === undefined) return true
    if (sessions.length === 0) return false
    const left = await commands.run(
      (client) => Promise.all(sessions.map((other) => client.pttl(keys.session({ key: other })))),
      (replies) => replies.map(String),
    )
    await commands.script(scripts.recount, { principal: id, sessions, lifetimes: left })
    return (await commands.script(scripts.admit, counted)) === undefined
  }

  function setField(key: SessionKey, field: string, value?: string): Promise<WriteReply> {
    return commands.script(scripts.setField, { key, field, set: value !== undefined, value: value ?? '' })
  }

  /**
   * Slides a session's lifetime to `lifetime` and a hundredth more, so that the command is not needed again for as long as
   * that hundredth. The read does not wait for it; where it fails, the next request sees that it was not done.
   */
  function slide(key: SessionKey, lifetime: number, last: string | undefined): void {
    const spare = Math.ceil(lifetime / 100)
    const now = systemClock.now()
    // The clocks of instances may differ in both directions.
    if (last !== undefined && Math.abs(now - Number(last)) < spare) return
    commands.script(scripts.slide, { key, lifetime: lifetime + spare, now }).catch(onError)
  }

  return {
    async createSession(key, record, lifetime, owner) {
      if (owner && !(await admit(key, lifetime, owner))) return { status: 'full' }
      return commands.script(scripts.createSession, { key, record, lifetime })
    },

    readSession(key, lifetime) {
      return commands.run(
        (client) => client.hmget(keys.session({ key }), 'rec', 'level', 'at', 'full'),
        (fields) => {
          const record = optional(fields[0])
          if (record === undefined) return undefined
          if (lifetime !== undefined) slide(key, lifetime, optional(fields[2]))
          const row: SessionRow = { record, level: optional(fields[1]) }
          if (fields[3] !== null) row.full = true
          return row
        },
      )
    },

    replaceRecord: (key, record) => setField(key, 'rec', record),

    async deleteSession(key, owner) {
      const { reply, streams } = await commands.script(scripts.deleteSession, { key })
      // The list of the logs goes last: the script leaves it for a repeated DELETE.
      const gone = streams
        .map((stream) => keys.log({ key, stream }))
        .concat(streams.length > 0 ? keys.logs({ key }) : [])
      const parts = Array.from({ length: Math.ceil(gone.length / MAX_KEYS) }, (_, i) =>
        gone.slice(i * MAX_KEYS, (i + 1) * MAX_KEYS),
      )
      await commands.run(
        (client) =>
          Promise.all([
            ...parts.map((part) => client.unlink(...part)),
            owner ? client.zrem(keys.own({ principal: owner.id }), key) : undefined,
          ]),
        nothing,
      )
      return reply
    },

    setLevel: (key, level) => commands.script(scripts.setLevel, { key, level }),

    getData: (key, name) => commands.run((client) => client.hget(keys.session({ key }), `d:${name}`), optional),

    setData: (key, name, value) => setField(key, `d:${name}`, value),

    subscribe: (key, uri, max) => commands.script(scripts.subscribe, { key, uri, max }),

    unsubscribe: (key, uri) => commands.script(scripts.unsubscribe, { key, uri }),

    subscriptions: (key) =>
      commands.run(
        (client) => client.hkeys(keys.session({ key })),
        (fields) =>
          fields.filter((field) => field.startsWith(SUBSCRIPTION)).map((field) => field.slice(SUBSCRIPTION.length)),
      ),
  }
}
