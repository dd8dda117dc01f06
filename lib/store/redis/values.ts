/** Values and counts that belong to no session, in Redis. */
import type { LimitStore } from '../limits.ts'
import type { ValueStore } from '../values.ts'
import type { Commands } from './commands.ts'
import { nothing, optional } from './scripts/decode.ts'
import * as scripts from './scripts/values.ts'

export function valueOperations(commands: Commands): ValueStore & Omit<LimitStore, 'weigh'> {
  const { keys } = commands
  return {
    getValue(kind, id, lifetime) {
      const key = keys.entry({ kind, id })
      return commands.run(
        'getex',
        (client) => (lifetime === undefined ? client.get(key) : client.getex(key, 'PX', lifetime)),
        optional,
      )
    },
    setValue: (kind, id, value, lifetime) =>
      commands.run('set', (client) => client.set(keys.entry({ kind, id }), value, 'PX', lifetime), nothing),
    replaceValue: (kind, id, value, lifetime) =>
      commands.run(
        'set',
        (client) => client.set(keys.entry({ kind, id }), value, 'PX', lifetime, 'XX'),
        (reply) => ({ status: reply === 'OK' ? 'ok' : 'gone' }),
      ),
    addValue: (kind, id, value, lifetime) => commands.script(scripts.addValue, { kind, id, value, lifetime }),
    deleteValue: (kind, id) => commands.run('unlink', (client) => client.unlink(keys.entry({ kind, id })), nothing),

    count: (id, n, lifetime) => commands.script(scripts.count, { id, n, lifetime }),
    occupy: (id, member, lifetime) => commands.script(scripts.occupy, { id, member, lifetime }),
  }
}
