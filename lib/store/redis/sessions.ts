/** Sessions in Redis. */
import type { SessionStore } from '../sessions.ts'
import type { Commands } from './commands.ts'
import type { Admit } from './first.ts'
import { nothing, optional } from './scripts/decode.ts'
import * as quota from './scripts/quota.ts'
import * as scripts from './scripts/sessions.ts'

const SUBSCRIPTION = 'u:'
/** Keys of one command. The arguments of a JavaScript call are bounded, so a long list is sent in parts. */
const MAX_KEYS = 1_000

export function sessionOperations(
  commands: Commands,
): Omit<SessionStore, 'createSession' | 'readSession'> & { admit: Admit } {
  const { keys } = commands
  /**
   * Counts a session under its principal before it is written. The list is in another slot than the sessions, so its
   * script cannot see which sessions still exist: where the list is full, each session that may have expired is looked up.
   */
  const admit: Admit = async (key, lifetime, { id, max }) => {
    const counted = { principal: id, session: key, max, lifetime }
    const sessions = await commands.script(quota.admit, counted, true)
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

  return {
    admit,

    dateSession: (key, born, most) => commands.script(scripts.dateSession, { key, born, most }),

    replaceRecord: (key, record) => commands.script(scripts.replaceRecord, { key, record }),

    async deleteSession(key, owner) {
      const { reply, streams, journals } = await commands.script(scripts.deleteSession, { key })
      // The list of the logs goes last: the script leaves it for a repeated DELETE.
      const gone = streams
        .map((stream) => keys.log({ key, stream }))
        .concat(streams.length > 0 ? keys.logs({ key }) : [])
        // The log of a suspended call may outlive the list.
        .concat(journals.flatMap((stream) => [keys.jrn({ key, stream }), keys.log({ key, stream })]))
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
