/** Sessions in Redis. */
import type { SessionKey } from '../names.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { SessionRow, SessionStore } from '../sessions.ts'
import type { Commands } from './commands.ts'
import { nothing, optional } from './scripts/decode.ts'
import * as quota from './scripts/quota.ts'
import * as scripts from './scripts/sessions.ts'
import type { RedisTime } from './time.ts'

const SUBSCRIPTION = 'u:'
/** Keys of one command. The arguments of a JavaScript call are bounded, so a long list is sent in parts. */
const MAX_KEYS = 1_000

export function sessionOperations(
  commands: Commands,
  time: RedisTime,
  onError: (error: unknown) => void,
): SessionStore {
  const { keys } = commands
  /**
   * Counts a session under its principal before it is written. The list is in another slot than the sessions, so its
   * script cannot see which sessions still exist: where the list is full, each session that may have expired is looked up.
   */
  async function admit(key: SessionKey, lifetime: number, { id, max }: { id: string; max: number }): Promise<boolean> {
    const counted = { principal: id, session: key, max, lifetime }
    const sessions = await commands.script(quota.admit, counted)
    if (sessions === undefined) return true
    if (sessions.length === 0) return false
    const left = await commands.run(
      'pttl',
      (client) => Promise.all(sessions.map((other) => client.pttl(keys.session({ key: other })))),
      (replies) => replies.map(String),
    )
    await commands.script(quota.recount, { principal: id, sessions, lifetimes: left })
    return (await commands.script(quota.admit, counted)) === undefined
  }

  /**
   * Slides a session's lifetime to `lifetime` and a hundredth more, so that the command is not needed again for as long as
   * that hundredth. The read does not wait for it; where it fails, the next request sees that it was not done. `last` is
   * compared with the time of Redis, since the clocks of instances may be wrong.
   */
  function slide(key: SessionKey, lifetime: number, most: number, last: string | undefined): void {
    const spare = Math.ceil(lifetime / 100)
    // The nodes of a cluster have clocks of their own, and an instance of an older build wrote the time of its own clock.
    if (last !== undefined && time.isWithin(spare, Number(last))) return
    commands
      .script(scripts.slide, { key, lifetime: lifetime + spare, most })
      .then((at) => at !== undefined && time.heard(at), onError)
  }

  return {
    async createSession(key, record, lifetime, owner, most = 0) {
      if (owner && !(await admit(key, lifetime, owner))) return { status: 'full' }
      return commands.script(scripts.createSession, { key, record, lifetime, most }, true)
    },

    readSession(key, lifetime, most = DEFAULT_LIFETIMES.longest) {
      return commands.run(
        'hmget', // `at` is the field of builds before event keys, each of whose instances writes it where it is missing.
        (client) => client.hmget(keys.session({ key }), 'rec', 'level', 'slid', 'at', 'full', 'busy', 'end'),
        (fields) => {
          const record = optional(fields[0])
          if (record === undefined) return undefined
          const row: SessionRow = { record, level: optional(fields[1]), full: fields[4] !== null }
          if (fields[3] !== null) row.servedByOlder = true
          if (fields[5] !== null) row.busy = true
          if (fields[6] === null) row.undated = true
          if (lifetime === undefined) return row
          const last = optional(fields[2])
          slide(key, lifetime, most, last)
          if (last === undefined) row.first = true
          return row
        },
        true,
      )
    },

    dateSession: (key, born, most) => commands.script(scripts.dateSession, { key, born, most }),

    replaceRecord: (key, record) => commands.script(scripts.replaceRecord, { key, record }),

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
        'unlink',
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

    getData: (key, name) => commands.run('hget', (client) => client.hget(keys.session({ key }), `d:${name}`), optional),

    setData: (key, name, value) =>
      commands.script(scripts.setData, { key, field: `d:${name}`, set: value !== undefined, value: value ?? '' }),

    relieve: (key) => commands.script(scripts.relieve, { key }),

    subscribe: (key, uri, max) => commands.script(scripts.subscribe, { key, uri, max }),

    unsubscribe: (key, uri) => commands.script(scripts.unsubscribe, { key, uri }),

    subscriptions: (key) =>
      commands.run(
        'hkeys',
        (client) => client.hkeys(keys.session({ key })),
        (fields) =>
          fields.filter((field) => field.startsWith(SUBSCRIPTION)).map((field) => field.slice(SUBSCRIPTION.length)),
      ),
  }
}
