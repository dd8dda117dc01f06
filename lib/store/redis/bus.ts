/** What instances tell each other, and the list of changes, in Redis. */
import type { Receiver, Receiving, Store } from '../store.ts'
import { comparePositions } from '../store.ts'
import type { Context } from './context.ts'
import { flag, optional, readChange, streamEntries } from './decode.ts'
import { keys } from './keys.ts'
import * as scripts from './scripts/bus.ts'

type BusOperations = Pick<
  Store,
  'send' | 'receive' | 'up' | 'down' | 'alive' | 'publish' | 'changesAfter' | 'lastChange'
>

/** A mailbox that nobody empties keeps about the newest of this many. */
const MAX_MAIL = 10_000

export function busOperations(
  { commands, lifetimes, maxChanges }: Context,
  receive: (instance: string, receiver: Receiver) => Promise<Receiving>,
): BusOperations {
  return {
    async send(instance, message) {
      await commands.script(scripts.send, [keys.box(instance)], [message, MAX_MAIL, lifetimes.mailbox])
    },

    receive,

    async up(instance, ttl) {
      await commands.run((client) => client.set(keys.up(instance), '1', 'PX', ttl))
    },

    async down(instance) {
      await commands.run((client) => Promise.all([client.unlink(keys.up(instance)), client.unlink(keys.box(instance))]))
    },

    async alive(instances) {
      // One command each: in a cluster they are in different places.
      const replies = await commands.run((client) =>
        Promise.all(instances.map((instance) => client.exists(keys.up(instance)))),
      )
      return replies.map(flag)
    },

    async publish(change) {
      const args = [JSON.stringify(change), maxChanges, lifetimes.longest]
      await commands.script(scripts.publish, [keys.changes, keys.changesTrimmed], args)
    },

    async changesAfter(position) {
      // What was trimmed is asked last: entries that go in between are missed by the reply, and that must be said.
      const [entries, trimmed] = await commands.run((client) =>
        Promise.all([client.xrange(keys.changes, `(${position}`, '+'), client.get(keys.changesTrimmed)]),
      )
      return {
        entries: streamEntries(entries).map(({ id, fields }) => ({ at: id, change: readChange(fields) })),
        trimmed: comparePositions(optional(trimmed) ?? '0-0', position) > 0,
      }
    },

    async lastChange() {
      const newest = await commands.run((client) => client.xrevrange(keys.changes, '+', '-', 'COUNT', 1))
      return streamEntries(newest)[0]?.id ?? '0-0'
    },
  }
}
