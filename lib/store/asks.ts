/** Asks: requests of a call to its client, and their answers. An ask becomes pending with {@link CallStore.append}. */
import type { Taken } from './journal.ts'
import type { Owner, SessionKey, Status } from './names.ts'

/**
 * ok: this answer is stored, also when repeated. late: another answer came first. unknown: the ask is not pending, or
 * there is no such session. full: the session keeps as many bytes as it may; the answer is not stored. `owner` runs the call that asked; notify it.
 * `taken`: the call was suspended and waited for this ask; the taker owns it now, also when repeated.
 */
export type AnswerReply =
  | { status: 'ok' | 'late'; owner: Owner; taken?: Taken | undefined }
  | Status<'unknown' | 'full'>

export interface AskStore {
  /**
   * Stores the answer to a pending ask. The first answer stays, whatever comes after it. With `taker`, a run, a suspended call that
   * waits for the ask is claimed for it in the same step. Without one it waits for a poll: every poll looks for answers.
   */
  answer(
    key: SessionKey,
    ask: string,
    value: string,
    taker?: Owner,
    /** Called before the step that names the taker: its instance must be reachable then. */
    attend?: () => Promise<unknown>,
  ): Promise<AnswerReply>
  /**
   * Ends the wait: returns the answer where there is one, and a repeat gets it too; else the ask is removed. That of a durable call
   * is `TIMED_OUT` from now on where its deadline has passed by the clock of the store, and stays pending before.
   */
  closeAsk(key: SessionKey, ask: string): Promise<string | undefined>
}
