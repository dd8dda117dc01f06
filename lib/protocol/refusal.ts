/** The error that refuses a request. Any code may throw it; lib/http/respond.ts makes the response. */
import { ProtocolError } from './errors.ts'
import type { RequestId } from './jsonrpc.ts'

type RefusalAbout = 'rate' | 'origin' | 'host'

interface RefusalDetails {
  /** Headers of the response, such as `Retry-After`. */
  headers?: Record<string, string> | undefined
  /** `error.data` of the body. */
  data?: unknown
  /** The id of the refused request, where that could be read. */
  id?: RequestId | undefined
  cause?: unknown
  /** For listeners, where the status does not say it. */
  about?: RefusalAbout | undefined
}

/**
 * A request that is refused before a handler runs: an HTTP status, and a JSON-RPC error as the body. If it is thrown
 * while a call runs, it becomes the call's error response, as any ProtocolError.
 */
export class Refusal extends ProtocolError {
  override readonly name: string = 'Refusal'
  /** The HTTP status. */
  readonly status: number
  readonly headers: Record<string, string>
  readonly about: RefusalAbout | undefined

  constructor(status: number, code: number, message: string, details: RefusalDetails = {}) {
    super(code, message, details.data, details.id)
    this.status = status
    this.headers = details.headers ?? {}
    this.about = details.about
    if (details.cause !== undefined) this.cause = details.cause
  }
}
