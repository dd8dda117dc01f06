/** Calls and their asks in Redis. */
import type { AskStore } from '../asks.ts'
import type { CallStore } from '../calls.ts'
import { DEFAULT_LIFETIMES } from '../options.ts'
import type { Commands } from './commands.ts'
import { Gathered } from './gathered.ts'
import * as askScripts from './scripts/asks.ts'
import * as scripts from './scripts/calls.ts'
import * as sessionScripts from './scripts/sessions.ts'

/** Where no bound is given: how many calls a session may have, and how old the mark of an early cancel may be. */
const UNLIMITED = 1e9

export function callOperations(commands: Commands): CallStore & AskStore {
  const looks = new Gathered(commands, 'mcpLookCalls', scripts.lookCall)
  return {
    register(key, { id, stream, owner, holder = '', request = '', max = UNLIMITED, markAge = UNLIMITED }) {
      const bounds = { maxCalls: max, markAge }
      return commands.script(scripts.register, { key, id, stream, owner, holder, request, ...bounds })
    },

    append(key, { stream, owner, from, messages, tag, final, register, asks = [], forget = [] }) {
      const { id = '', holder = '', request = '', max: maxCalls = UNLIMITED, markAge = UNLIMITED } = register ?? {}
      const registration = { registers: register !== undefined, id, holder, request, maxCalls, markAge }
      const added = { key, stream, owner, from, messages, tag, final, asks, forget }
      return commands.script(scripts.append, { ...added, ...registration })
    },

    endCall: (key, { stream, owner, mark, forget = [] }) =>
      commands.script(scripts.endCall, { key, stream, owner, mark, forget }),

    lookCall: (key, stream, owner, asks, lifetime, most = DEFAULT_LIFETIMES.longest) =>
      looks.run({ key, stream, owner, lifetime, most, asks }),

    calls: (key) => commands.script(scripts.calls, { key }),

    countCalls: (key, maxCalls) => commands.script(sessionScripts.countCalls, { key, maxCalls }),

    claim: (key, stream, expected, owner) => commands.script(scripts.claim, { key, stream, expected, owner }),

    releaseCall: (key, stream, owner) => commands.script(scripts.releaseCall, { key, stream, owner }),

    cancel: (key, id) => commands.script(scripts.cancel, { key, id }),

    answer: (key, ask, value) => commands.script(askScripts.answer, { key, ask, value }),
    closeAsk: (key, ask) => commands.script(askScripts.closeAsk, { key, ask }),
  }
}
