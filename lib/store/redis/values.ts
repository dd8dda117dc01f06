/** Values that belong to no session, in Redis. */
import type { Store } from '../store.ts'
import type { Context } from './context.ts'
import { flag, optional } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/bus.ts'

type ValueOperations = Pick<Store, 'getValue' | 'setValue' | 'replaceValue' | 'addValue' | 'deleteValue'>

export function valueOperations({ commands }: Context): ValueOperations {
  return {
    getValue: async (kind, id, lifetime) =>
      optional(
        await commands.run((client) =>
          lifetime === undefined
            ? client.get(keys.value(kind, id))
            : client.getex(keys.value(kind, id), 'PX', lifetime),
        ),
      ),

    async setValue(kind, id, value, lifetime) {
      await commands.run((client) => client.set(keys.value(kind, id), value, 'PX', lifetime))
    },

    replaceValue: async (kind, id, value, lifetime) =>
      (await commands.run((client) => client.set(keys.value(kind, id), value, 'PX', lifetime, 'XX'))) === 'OK',

    addValue: async (kind, id, value, lifetime) =>
      flag(await commands.script(scripts.addValue, [keys.value(kind, id)], [value, lifetime])),

    async deleteValue(kind, id) {
      await commands.run((client) => client.unlink(keys.value(kind, id)))
    },
  }
}
