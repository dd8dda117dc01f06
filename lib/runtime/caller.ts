/** The caller of a request, as HTTP identified it. */
import type { HeldBytes } from '../base/byte-budget.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { RequestInfo } from '../server/context/client-channel.ts'
import type { CallQuota } from './concurrency.ts'

/** Members of the access log's line for a request. HTTP, sessions and the stateless revision fill them. */
export interface RequestNote {
  /** The JSON-RPC method, of the first message where there are several. */
  method?: string
  /** The session's key, which requests of one session share. It cannot be used as a session id. */
  session?: string
  revision?: Revision
  /** The reason of a refusal, as its client gets it. */
  refused?: string
}

export interface Caller {
  principal: string
  /** The name under which limits count the caller: its principal, or its address. Undefined where neither is known. */
  client: string | undefined
  auth: AuthInfo | undefined
  request: RequestInfo
  /** When the platform ends the response, by the clock's `now`. */
  deadline?: number | undefined
  /** When the request's token expires, by the clock's `wall`: its stream ends then. */
  until?: number | undefined
  /** The principal's running calls and their limit; absent where there are no principals. */
  quota?: CallQuota | undefined
  /** The bytes of the request's body, where they are counted. Each call that goes on after the reply retains them. */
  held?: HeldBytes | undefined
  /** Given where the platform writes an access log. */
  note?: RequestNote | undefined
}
