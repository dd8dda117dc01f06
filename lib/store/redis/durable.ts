/**
 * The operations in Redis that durable calls need, and calls that ask or that another run goes on with. Their code, and the Lua of
 * their scripts, is loaded when one of them is used.
 */
import type { AskStore } from '../asks.ts'
import type { CallStore } from '../calls.ts'
import { type JournalStore, MAX_SUSPENDED } from '../journal.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { Commands } from './commands.ts'
import { maybeRegistered, registered } from './registered.ts'
import * as askScripts from './scripts/asks.ts'
import * as durable from './scripts/durable.ts'
import * as journal from './scripts/journal.ts'
import * as takeover from './scripts/takeover.ts'

/** As those of {@link CallStore}, for durable calls. */
interface Durable {
  registerDurable: CallStore['register']
  appendDurable: CallStore['append']
  endDurable: CallStore['endCall']
  lookDurable: CallStore['lookCall']
}

export type DurableOperations = AskStore & JournalStore & Pick<CallStore, 'claim' | 'cancel'> & Durable

export function durableOperations(commands: Commands): DurableOperations {
  return {
    registerDurable(key, registration) {
      const { stream, owner } = registration
      return commands.script(durable.registerDurable, { key, stream, owner, ...registered(registration) })
    },

    appendDurable(
      key,
      { stream, owner, from, messages, tag, final, register, said = -1, durableAsks = [], forget = [] },
    ) {
      const lists = {
        messages,
        forget,
        asks: durableAsks.map(({ id }) => id),
        askKeys: durableAsks.map((ask) => ask.key),
        digests: durableAsks.map(({ digest }) => digest),
        timeouts: durableAsks.map(({ timeout }) => String(timeout)),
      }
      const added = { key, stream, owner, from, tag, final, said, ...lists, ...maybeRegistered(register) }
      return commands.script(durable.appendDurable, added)
    },

    endDurable: (key, { stream, owner, mark, forget = [] }) =>
      commands.script(durable.endDurable, { key, stream, owner, mark, forget }),

    lookDurable: (key, stream, owner, asks, lifetime, most = DEFAULT_LIFETIMES.longest) =>
      commands.script(durable.lookDurable, { key, stream, owner, asks, lifetime, most }),

    keep: (key, { stream, owner, register, name, step, value = '', said = -1 }) =>
      commands.script(journal.keep, { key, stream, owner, name, step, value, said, ...maybeRegistered(register) }),

    suspend: (key, { stream, owner, asks, note = '', max = MAX_SUSPENDED }) =>
      commands.script(journal.suspend, { key, stream, owner, asks, note, max }),

    poll: (key, stream, { n: after, tag }) => commands.script(journal.poll, { key, stream, after, tag }),

    claim: (key, stream, expected, owner, evenSuspended = false) =>
      commands.script(takeover.claim, { key, stream, expected, owner, evenSuspended }),

    async cancel(key, id) {
      const reply = await commands.script(takeover.cancel, { key, id })
      return reply.status === 'idle' ? commands.script(takeover.endIdle, { key, id, stream: reply.stream }) : reply
    },

    async answer(key, ask, value, taker = '', attend) {
      const reply = await commands.script(askScripts.answer, { key, ask, value, taker })
      if (reply.status !== 'suspended') return reply
      const { stream } = reply
      if (taker !== '') await attend?.()
      return commands.script(askScripts.answerSuspended, { key, stream, ask, value, taker })
    },

    closeAsk: (key, ask) => commands.script(askScripts.closeAsk, { key, ask }),
  }
}
