/** Mail, signs of life and the list of changes, in Redis. */
import { type BusStore, comparePositions, hasMailSign } from '../bus.ts'
import type { Commands } from './commands.ts'
import { Publisher } from './publisher.ts'
import * as scripts from './scripts/bus.ts'
import { flag, nothing, optional, readChange, streamEntries } from './scripts/decode.ts'
import type { Spread } from './spread.ts'

export function busOperations(commands: Commands, spread: Spread, receive: BusStore['receive']): BusStore {
  const { keys } = commands
  const publisher = new Publisher((added) => spread.publish(added))
  /** The sign of life that a script sees beside the mailbox, and the one that other instances ask for. */
  const signsOf = (instance: string): string[] => [keys.here({ instance }), keys.up({ instance })]
  return {
    send: (instance, message) => commands.script(scripts.send, { instance, message, signed: hasMailSign(instance) }),

    receive,

    async up(instance, ttl, sign) {
      const scriptsOf = [scripts.up, scripts.upBesideMail]
      const [before, beside] = await Promise.all(
        scriptsOf.map((script) => commands.script(script, { instance, sign, ttl })),
      )
      return beside === undefined ? undefined : before
    },

    down: (instance) =>
      commands.run(
        'unlink',
        (client) => Promise.all([...signsOf(instance), keys.box({ instance })].map((key) => client.unlink(key))),
        nothing,
      ),

    alive: (instances) =>
      // A command for each: in a cluster the keys are on different nodes.
      commands.run(
        'exists',
        (client) => Promise.all(instances.map((instance) => client.exists(keys.up({ instance })))),
        (replies) => replies.map(flag),
      ),

    publish: (change) => publisher.publish(JSON.stringify(change)),

    changesAfter: (position) =>
      // The trimmed position is read last: entries that are removed in between are missing, and `trimmed` reports that.
      commands.run(
        'xrange',
        (client) => Promise.all([client.xrange(keys.changes(), `(${position}`, '+'), client.get(keys.trimmed())]),
        ([entries, trimmed]) => ({
          entries: streamEntries(entries).map(({ id, fields }) => ({ at: id, change: readChange(fields) })),
          trimmed: comparePositions(optional(trimmed) ?? '0-0', position) > 0,
        }),
      ),
  }
}
