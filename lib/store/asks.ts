/** Asks: requests of a call to its client, and their answers. An ask becomes pending with {@link CallStore.append}. */
import type { Owner, SessionKey, Status } from './names.ts'

/**
 * ok: this answer is stored, also when repeated. late: another answer came first. unknown: the ask is not pending, or
 * there is no such session. full: the session keeps as many bytes as it may; the answer is not stored. `owner` runs the call that asked; notify it.
 */
export type AnswerReply = { status: 'ok' | 'late'; owner: Owner } | Status<'unknown' | 'full'>

export interface AskStore {
  /** Stores the answer to a pending ask. The first answer stays, whatever comes after it. */
  answer(key: SessionKey, ask: string, value: string): Promise<AnswerReply>
  /** Ends the wait: returns the answer where there is one, and a repeat gets it too; else the ask is removed. */
  closeAsk(key: SessionKey, ask: string): Promise<string | undefined>
}
