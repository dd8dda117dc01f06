/** Calls in Redis. */
import type { CallStore } from '../calls.ts'
import type { Context } from './context.ts'
import * as scripts from './scripts/calls.ts'

/** How many calls a session may have where no bound is given. */
const UNLIMITED = 1e9

export function callOperations({ commands, lifetimes, maxMessages, maxBytes }: Context): CallStore {
  const { open, ended: endedTtl, endRepeat: repeatTtl, cancelMark: markTtl } = lifetimes
  const bounds = { maxMessages, maxBytes, open, endedTtl }

  return {
    register(key, { id, stream, owner, holder = '', request = '', max: maxCalls = UNLIMITED }) {
      return commands.script(scripts.register, { key, id, stream, owner, holder, request, maxCalls, open })
    },

    append(key, { stream, owner, from, messages, tag, final, register, asks = [], forget = [] }) {
      const { id = '', holder = '', request = '', max: maxCalls = UNLIMITED } = register ?? {}
      const registration = { registers: register !== undefined, id, holder, request, maxCalls }
      const added = { key, stream, owner, from, messages, tag, final, asks, forget }
      return commands.script(scripts.append, { ...added, ...registration, ...bounds })
    },

    endCall(key, { stream, owner, mark, forget = [] }) {
      const input = { key, stream, owner, maxMessages, open, endedTtl, repeatTtl, mark, forget }
      return commands.script(scripts.endCall, input)
    },

    lookCall: (key, stream, owner, asks, lifetime) =>
      commands.script(scripts.lookCall, { key, stream, owner, lifetime, open, asks }),

    calls: (key) => commands.script(scripts.calls, { key }),

    claim: (key, stream, expected, owner) => commands.script(scripts.claim, { key, stream, expected, owner, open }),

    releaseCall: (key, stream, owner) => commands.script(scripts.releaseCall, { key, stream, owner, open }),

    cancel: (key, id) => commands.script(scripts.cancel, { key, id, markTtl }),
  }
}
