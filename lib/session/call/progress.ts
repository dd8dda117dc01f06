/**
 * What a call's client was told of its progress. Progress must increase; between the author's own messages the
 * endpoint tells the last figure plus next to nothing, so that clients with an idle limit do not give up.
 */
import type { JsonObject, JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import { isProgressToken } from '../../server/context/context.ts'

export class AutoProgress {
  readonly #token: unknown
  #told: number
  #total: unknown
  #quiet = true

  /** `told`: what an earlier run of the same call had told. */
  constructor(request: JsonRpcRequest, told: number | undefined) {
    const meta = request.params?._meta
    const token = isObject(meta) ? meta.progressToken : undefined
    // Some clients send null for none.
    this.#token = isProgressToken(token) ? token : undefined
    this.#told = told ?? Number.NEGATIVE_INFINITY
  }

  get wanted(): boolean {
    return this.#token !== undefined
  }

  /** The author's progress: false if the client was told as much already. */
  tell(params: JsonObject): boolean {
    const progress = Number(params.progress)
    if (!(progress > this.#told)) return false
    this.#told = progress
    this.#total = params.total
    return true
  }

  /** The call said something. */
  said(): void {
    this.#quiet = false
  }

  /** The parameters of an automatic message, if the call has been quiet since the last tick. */
  tick(): JsonObject | undefined {
    const quiet = this.#quiet
    this.#quiet = true
    if (!quiet) return undefined
    const told = Number.isFinite(this.#told) ? this.#told : 0
    this.#told = told + Math.max(Math.abs(told), 1) * 1e-6
    const params: JsonObject = { progressToken: this.#token, progress: this.#told }
    if (this.#total !== undefined) params.total = this.#total
    return params
  }
}
