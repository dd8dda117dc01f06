/** Mail, signs of life and the list of changes, in Redis. */
import { type BusStore, comparePositions } from '../bus.ts'
import type { Commands } from './commands.ts'
import * as scripts from './scripts/bus.ts'
import { flag, nothing, optional, readChange, streamEntries } from './scripts/decode.ts'

/** A mailbox that no instance reads keeps about the newest of this many messages. */
const MAX_MAIL = 10_000

export function busOperations(commands: Commands, receive: BusStore['receive']): BusStore {
  const { keys } = commands
  return {
    send: (instance, message) => commands.script(scripts.send, { instance, message, max: MAX_MAIL }),

    receive,

    up: (instance, ttl) => commands.run((client) => client.set(keys.up({ instance }), '1', 'PX', ttl), nothing),

    down: (instance) =>
      commands.run(
        (client) => Promise.all([client.unlink(keys.up({ instance })), client.unlink(keys.box({ instance }))]),
        nothing,
      ),

    alive: (instances) =>
      // A command for each: in a cluster the keys are on different nodes.
      commands.run(
        (client) => Promise.all(instances.map((instance) => client.exists(keys.up({ instance })))),
        (replies) => replies.map(flag),
      ),

    publish: (change) => commands.script(scripts.publish, { change: JSON.stringify(change) }),

    changesAfter: (position) =>
      // The trimmed position is read last: entries that are removed in between are missing, and `trimmed` reports that.
      commands.run(
        (client) => Promise.all([client.xrange(keys.changes(), `(${position}`, '+'), client.get(keys.trimmed())]),
        ([entries, trimmed]) => ({
          entries: streamEntries(entries).map(({ id, fields }) => ({ at: id, change: readChange(fields) })),
          trimmed: comparePositions(optional(trimmed) ?? '0-0', position) > 0,
        }),
      ),
  }
}
