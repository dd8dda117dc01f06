/** What all groups of operations need. */
import type { Lifetimes } from '../store.ts'
import type { Commands } from './commands.ts'

export interface Context {
  commands: Commands
  lifetimes: Lifetimes
  /** How many messages a log keeps. */
  maxMessages: number
  /** And how many bytes of them. */
  maxBytes: number
  /** How many changes the list keeps. */
  maxChanges: number
  /** How far, in ms, the clock of the node that has the list of changes may be behind that of a session's node. */
  slack: number
  onError: (error: unknown) => void
}
