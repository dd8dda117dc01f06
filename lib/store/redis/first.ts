/** The operations that a first call of a session needs. The code of the others is loaded when one of them is used. */
import type { LimitStore } from '../limits.ts'
import type { SessionKey } from '../names.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { SessionRow, SessionStore } from '../sessions.ts'
import { readFields } from './command.ts'
import type { Commands } from './commands.ts'
import { optional } from './scripts/decode.ts'
import * as scripts from './scripts/first.ts'
import type { RedisTime } from './time.ts'

/** Counts a session under its principal. False: the principal has as many as it may. */
export type Admit = (key: SessionKey, lifetime: number, owner: { id: string; max: number }) => Promise<boolean>

type First = Pick<SessionStore, 'createSession' | 'readSession'> & Pick<LimitStore, 'weigh'>

/** `at` is the field of builds before event keys, each of whose instances writes it where it is missing. */
const FIELDS = ['rec', 'level', 'slid', 'at', 'full', 'busy', 'end']

export function firstOperations(
  commands: Commands,
  time: RedisTime,
  admit: Admit,
  onError: (error: unknown) => void,
): First {
  const { keys } = commands
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
        'hmget',
        (client) => readFields(client, keys.session({ key }), FIELDS),
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

    weigh: (id, member, bytes, lifetime) => commands.script(scripts.weigh, { id, member, bytes, lifetime }),
  }
}
