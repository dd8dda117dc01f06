/** The operations that most first calls do not need: their code is loaded when one of them is used. */
import { StoreUnavailable } from '../store.ts'
import { busOperations } from './bus.ts'
import { callOperations } from './calls.ts'
import type { Commands } from './commands.ts'
import { Waiting, type WaitingOptions } from './receive.ts'
import { sessionOperations } from './sessions.ts'
import { Spread } from './spread.ts'
import { streamOperations } from './streams.ts'
import { valueOperations } from './values.ts'

interface MoreParts extends Omit<WaitingOptions, 'keys' | 'spread'> {
  /** In how many slots the bus is. */
  busSlots: number
  /** The connections that wait. */
  waiting: Set<Waiting>
  isClosed(): boolean
}

export type More = ReturnType<typeof moreOperations>

export function moreOperations(commands: Commands, { waiting, isClosed, busSlots, ...options }: MoreParts) {
  const spread = new Spread(commands, busSlots, options.onError)
  return {
    ...sessionOperations(commands),
    ...callOperations(commands),
    ...streamOperations(commands),
    ...busOperations(commands, spread, async (instance, receiver) => {
      if (isClosed()) throw new StoreUnavailable('The store is closed.', { trouble: 'closed' })
      if (!commands.contact.made) await commands.contact.make()
      const one = new Waiting(instance, receiver, { ...options, spread, keys: commands.keys })
      await one.start()
      waiting.add(one)
      return {
        async stop() {
          waiting.delete(one)
          await one.stop()
        },
      }
    }),
    ...valueOperations(commands),
  }
}
