/** The names that all parts of a store use. */
import { digest } from '../base/ids.ts'

/** A session's key: 128 bits of SHA-256 over principal and session id, base64url. */
export type SessionKey = string

/** `<instance>:<token>`: a connection that holds a stream. Each connection has a token of its own. */
export type Holder = string

/** `<instance>:<token>`: a run of a call. Each run has a token of its own. '' on a call that any run may claim. */
export type Owner = string

/** A reply that is only a word: one member of the union for each word, so that comparing `status` narrows it. */
export type Status<Word extends string> = Word extends Word ? { status: Word } : never

/**
 * The tag of an entry of {@link GET_STREAM}, from what names the message: a repeat has the same tag, and another message to which a
 * failover gives the same number has another one.
 */
export function tagOf(id: string): string {
  return digest(id, 3)
}

/** The stream that belongs to the session itself: `GET /mcp` holds it. It exists as long as its session. */
export const GET_STREAM = 'get'
