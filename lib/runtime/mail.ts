/** The messages that instances send to each other. Mail is fast and may be lost: a heartbeat finds in the store what mail lost. */
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'

export type Mail =
  /** To a holder: entries of its stream, from `n` on. */
  | { t: 'entries'; to: string; n: number; tag: string; data: string[]; final: boolean }
  /** To a holder: look at the store (the stream moved, ended or was released). */
  | { t: 'look'; to: string }
  /** To a holder: end the connection with this `retry`; the call goes on. */
  | { t: 'close'; to: string; retry: number }
  /** To a holder: the session's subscriptions changed. */
  | { t: 'subscription'; to: string; uri: string; on: boolean }
  /** To an owner: the client cancelled the call. */
  | { t: 'cancel'; to: string; reason?: string }
  /** To an owner: the client answered an ask. */
  | { t: 'answer'; to: string; ask: string; value: string }
  /** To an owner: the session's log level. */
  | { t: 'level'; to: string; level: string }
  /** To holders and owners: the session has ended. */
  | { t: 'gone'; to: string }
  /** Between the dispatchers of two instances: `from` is the name of the other end. */
  | { t: 'relay'; to: string; from: string; frame: JsonObject }

/** Reads mail. Undefined for what this build does not know: a newer one may run beside it. */
export function readMail(text: string): Mail | undefined {
  try {
    const mail: unknown = JSON.parse(text)
    return isObject(mail) && typeof mail.t === 'string' && typeof mail.to === 'string'
      ? (mail as unknown as Mail)
      : undefined
  } catch {
    return undefined
  }
}
