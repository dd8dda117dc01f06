/**
 * The progress that a call's client has received. Progress must increase: between the author's own messages the endpoint
 * sends the last figure plus next to nothing, so that clients with an idle limit do not give up.
 */
import { isObject, type JsonObject, type JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { isProgressToken } from '../../protocol/read.ts'

export class AutoProgress {
  readonly #token: unknown
  /** The greatest figure that was sent. */
  #sent: number
  #total: unknown
  /** Nothing was sent since the last tick. */
  #quiet = true

  /** `sent`: the greatest figure that an earlier run of the same call has sent. */
  constructor(request: JsonRpcRequest, sent: number | undefined) {
    const meta = request.params?._meta
    const token = isObject(meta) ? meta.progressToken : undefined
    this.#token = isProgressToken(token) ? token : undefined
    this.#sent = sent ?? Number.NEGATIVE_INFINITY
  }

  get wanted(): boolean {
    return this.#token !== undefined
  }

  /** Takes the author's progress. False if the client has received as much already. */
  advance(params: JsonObject): boolean {
    const progress = Number(params.progress)
    if (!(progress > this.#sent)) return false
    this.#sent = progress
    this.#total = params.total
    return true
  }

  get token(): unknown {
    return this.#token
  }
  get sent(): number {
    return this.#sent
  }
  get total(): unknown {
    return this.#total
  }

  /** The call has sent a message. */
  messageSent(): void {
    this.#quiet = false
  }

  /** The parameters of an automatic message, if the call has been quiet since the last tick. */
  tick(): JsonObject | undefined {
    const quiet = this.#quiet
    this.#quiet = true
    if (!quiet) return undefined
    const sent = Number.isFinite(this.#sent) ? this.#sent : 0
    this.#sent = sent + Math.max(Math.abs(sent), 1) * 1e-6
    const params: JsonObject = { progressToken: this.#token, progress: this.#sent }
    if (this.#total !== undefined) params.total = this.#total
    return params
  }
}
