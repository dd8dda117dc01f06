/** A request that is refused before anybody serves it: the status and the headers that say why. */
import type { RequestId } from '../protocol/jsonrpc.ts'

export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal'
  readonly status: number
  readonly code: number
  readonly headers: Record<string, string>
  /** The id of the request, where it could be read. */
  readonly id: RequestId | undefined

  constructor(status: number, code: number, message: string, headers: Record<string, string> = {}, id?: RequestId) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
    this.id = id
  }
}
