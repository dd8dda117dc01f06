/** The caller of a request, as HTTP identified it. */
import type { HeldBytes } from '../base/byte-budget.ts'
import type { RequestStart } from '../base/events.ts'
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { RequestInfo } from '../server/context/client-channel.ts'
import type { CallQuota } from './concurrency.ts'

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
  /** The event of the request, where somebody listens. HTTP, sessions and the stateless revision add what they know. */
  note?: RequestStart | undefined
}
