/** Calls and their asks in Redis. */
import { OnDemand, operationsOf } from '../../base/on-demand.ts'
import type { AskStore } from '../asks.ts'
import type { CallStore } from '../calls.ts'
import type { JournalStore } from '../journal.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { Commands } from './commands.ts'
import type { DurableOperations } from './durable.ts'
import { Gathered } from './gathered.ts'
import { maybeRegistered, registered } from './registered.ts'
import { append } from './scripts/append.ts'
import * as scripts from './scripts/calls.ts'
import * as sessionScripts from './scripts/sessions.ts'

const DURABLE: Readonly<Record<keyof DurableOperations, true>> = {
  registerDurable: true,
  appendDurable: true,
  endDurable: true,
  lookDurable: true,
  keep: true,
  suspend: true,
  poll: true,
  claim: true,
  cancel: true,
  answer: true,
  closeAsk: true,
}

export function callOperations(commands: Commands): CallStore & AskStore & JournalStore {
  const looks = new Gathered(commands, 'mcpLookCalls', scripts.lookCall)
  const { registerDurable, appendDurable, endDurable, lookDurable, ...others } = operationsOf(
    new OnDemand(async () => (await import('./durable.ts')).durableOperations(commands)),
    DURABLE,
  )
  return {
    ...others,

    register(key, registration) {
      if (registration.durable) return registerDurable(key, registration)
      const { stream, owner } = registration
      return commands.script(scripts.register, { key, stream, owner, ...registered(registration) })
    },

    append(key, appended) {
      if (appended.durable) return appendDurable(key, appended)
      const { stream, owner, from, messages, tag, final, register, asks = [], forget = [] } = appended
      const added = { key, stream, owner, from, messages, tag, final, asks, forget }
      return commands.script(append, { ...added, ...maybeRegistered(register) })
    },

    endCall(key, ended) {
      if (ended.durable) return endDurable(key, ended)
      const { stream, owner, mark, forget = [] } = ended
      return commands.script(scripts.endCall, { key, stream, owner, mark, forget })
    },

    lookCall(key, stream, owner, asks, lifetime, most = DEFAULT_LIFETIMES.longest, durable = false) {
      if (durable) return lookDurable(key, stream, owner, asks, lifetime, most)
      return looks.run({ key, stream, owner, lifetime, most, asks })
    },

    calls: (key) => commands.script(scripts.calls, { key }),

    countCalls: (key, maxCalls) => commands.script(sessionScripts.countCalls, { key, maxCalls }),

    releaseCall: (key, stream, owner) => commands.script(scripts.releaseCall, { key, stream, owner }),
  }
}
