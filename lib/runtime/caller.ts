/** The sender of a request, as HTTP found it. */
import type { AuthInfo } from '../protocol/auth-info.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { RequestInfo } from '../server/context/client-channel.ts'
import type { CallQuota } from './concurrency.ts'

/** What a line of a log says of a request; filled as the request makes its way. */
export interface RequestNote {
  /** The JSON-RPC method, of the first message where there are several. */
  method?: string
  /** The session's key: it shows which requests belong together, and nobody can use it as a session id. */
  session?: string
  revision?: Revision
}

/** Who sent a request. */
export interface Caller {
  principal: string
  auth: AuthInfo | undefined
  request: RequestInfo
  /** When the platform ends the response, ms since 1970. */
  deadline?: number | undefined
  /** Until when the token holds that the request came with, ms since 1970: its stream ends then. */
  until?: number | undefined
  /** What the principal has running; absent where there are no principals. */
  quota?: CallQuota | undefined
  /** Given where somebody keeps a log. */
  note?: RequestNote | undefined
}
