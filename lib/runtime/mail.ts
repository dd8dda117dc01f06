/** The messages that instances send to each other. Mail is fast and may be lost: a heartbeat finds in the store what mail lost. */
import { isObject, type JsonObject, type JsonRpcErrorObject, type RequestId } from '../protocol/jsonrpc.ts'

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
  /** To an owner: an operator asks what the call is, or has it end with this error. */
  | { t: 'inspect'; to: string; from: string; end?: string }
  /** To an operator: what the call is that has this owner. */
  | ({ t: 'inspected'; to: string; from: string } & InspectedCall)
  /** To a parked run: a retry waits for it. `retry`: what the retry brings, until the run has it; `got`: the messages that arrived. */
  | { t: 'retry'; to: string; from: string; wait: number; got: number; retry?: RetryMail }
  /** To a retry: message `n` of its leg, or the end of it. 0: the run has what the retry brought, or takes nothing of it. */
  | { t: 'leg'; to: string; n: number; data?: string; end?: LegEnd }
  /** To a parked run: message `n` of the leg, or its end, has arrived, and all before it. */
  | { t: 'got'; to: string; from: string; n: number }
  /** To a parked run: the client of the retry has gone. */
  | { t: 'leave'; to: string; from: string; reason?: string }
  /** To a connection that waits for a task: look at it. */
  | { t: 'task'; to: string; task: string }
  /** Between the dispatchers of two instances: `from` is the name of the other end. */
  | { t: 'relay'; to: string; from: string; frame: JsonObject }

export interface InspectedCall {
  method: string
  /** The tool or prompt, or the URI of the resource, as the client sent it. */
  name?: string
  /** For how many ms this run has been under way. */
  runs: number
}

/** What the retry of a stateless client brings to its run. */
export interface RetryMail {
  /** The answers, by the key of the ask. */
  answers: JsonObject
  /** The progress token of the retry. */
  token?: RequestId
  level?: string
  /** The client takes a stream, so that messages before the result reach it. */
  streams: boolean
}

/** How the leg of a parked run ends: the part of the run that one request carries. */
export type LegEnd =
  | { response: { result?: JsonObject; error?: JsonRpcErrorObject } }
  /** The run asks, and waits for the answers. `wait`: the number of this wait. */
  | { asks: Record<string, JsonObject>; run: string; wait: number }
  /** Why the retry gets neither. A reason that is not known is that of a newer build. */
  | { refused: 'over' | 'used' | 'gone' | 'drained' | 'flooded' }

/** The reply to a retry whose run is not here: it must not wait for it. */
export function runIsOver({ from }: Extract<Mail, { t: 'retry' }>): Mail {
  return { t: 'leg', to: from, n: 0, end: { refused: 'over' } }
}

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
