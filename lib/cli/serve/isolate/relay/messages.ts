/** The messages of a connection between two instances. A newer build may add members and kinds, which an older one ignores. */
import type { JsonObject, JsonRpcErrorObject } from '../../../../protocol/jsonrpc.ts'
import type { Answer } from '../process/receiver.ts'

/** To the instance that has the process. */
export type Order =
  /** A request of the client of the session with this key. */
  | { k: 'open'; key: string; method: string; params?: JsonObject }
  /** The client has made something known, which has no answer. */
  | { k: 'heard'; key: string; method: string; params?: JsonObject }
  /** The client has answered an ask. */
  | { k: 'answer'; ask: number; answer: Answer }
  | { k: 'cancel'; reason: string }

/** From that instance. */
export type Report =
  | { k: 'notify'; method: string; params: JsonObject }
  | { k: 'ask'; ask: number; method: string; params?: JsonObject }
  /** The process no longer waits for the answer. */
  | { k: 'unask'; ask: number; reason: string }
  | { k: 'result'; result: JsonObject }
  | { k: 'error'; error: JsonRpcErrorObject }
  /** The process is not here: the request did not begin. */
  | { k: 'elsewhere' }
  | { k: 'done' }
