/** Asks in Redis. */
import type { AskStore } from '../asks.ts'
import type { Context } from './context.ts'
import * as scripts from './scripts/asks.ts'

export function askOperations({ commands, lifetimes: { open } }: Context): AskStore {
  return {
    answer: (key, ask, value) => commands.script(scripts.answer, { key, ask, value, open }),
    closeAsk: (key, ask) => commands.script(scripts.closeAsk, { key, ask }),
  }
}
