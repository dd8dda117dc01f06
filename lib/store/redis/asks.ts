/** Asks in Redis. */
import type { AskStore } from '../asks.ts'
import type { Commands } from './commands.ts'
import * as scripts from './scripts/asks.ts'

export function askOperations(commands: Commands): AskStore {
  return {
    answer: (key, ask, value) => commands.script(scripts.answer, { key, ask, value }),
    closeAsk: (key, ask) => commands.script(scripts.closeAsk, { key, ask }),
  }
}
