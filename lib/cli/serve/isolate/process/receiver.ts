/** The client of a process, for what the process sends. */
import type { JsonObject, JsonRpcErrorObject } from '../../../../protocol/jsonrpc.ts'

/** The answer of a client to a request of the server. */
export type Answer = { result: JsonObject } | { error: JsonRpcErrorObject }

/** The request of a client, as it gets what the process sends for it. */
export interface Receiver {
  /** A notification that belongs to the request. Resolves when the next one may follow. */
  notify(method: string, params: JsonObject): Promise<void> | undefined
  /**
   * A request to the client. It never rejects.
   *
   * @param signal aborted where the process no longer waits for the answer
   */
  ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Answer>
}
