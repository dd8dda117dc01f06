/** The state and the settings that all groups of operations use. */
import type { Lifetimes } from '../options.ts'
import type { Commands } from './commands.ts'

export interface Context {
  commands: Commands
  lifetimes: Lifetimes
  /** How many messages a log keeps. */
  maxMessages: number
  /** How many bytes of messages a log keeps. */
  maxBytes: number
  /** How many changes the list keeps. */
  maxChanges: number
  /** How far, in ms, the clock of the node that has the list of changes may be behind that of a session's node. */
  slack: number
  onError: (error: unknown) => void
}
