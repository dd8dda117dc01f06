/** One stateless POST and its one reply: JSON while nothing was said before the result, else a stream that it ends. */
import type { Timer } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, RawJson } from '../protocol/jsonrpc.ts'
import { errorText, resultBytes, resultText } from '../protocol/jsonrpc.ts'
import { SSE_COMMENT, sseMessage } from '../protocol/sse.ts'
import type { CallQuota } from '../runtime/concurrency.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Reply, ResponseWriter, StreamSource } from '../runtime/reply.ts'
import { AskPending, MissingCapability } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'

/** A run of the handler, as its exchange drives it. */
export interface Run {
  /** It has left asks open: the result is then `input_required`. */
  readonly pending: boolean
  inputRequired(): JsonObject
  /** Nothing more is said. `cancelled`: the client has gone, or the instance must. */
  end(cancelled?: string): void
}

/** The status of an error that comes before anything else was said. */
export type StatusOf = (error: unknown) => number

export class StatelessExchange implements StreamSource {
  readonly #instance: Instance
  readonly #request: JsonRpcRequest
  readonly #complete: (result: JsonObject | RawJson) => RawJson
  readonly #streamAfter: number
  readonly #quota: CallQuota | undefined
  readonly #statusOf: StatusOf
  #call: Run | undefined
  #timer: Timer | undefined
  #deadline: Timer | undefined
  #early: string[] = []
  #writer: ResponseWriter | undefined
  #streaming = false
  #reply: Reply | undefined
  #resolve: ((reply: Reply) => void) | undefined
  #key: string | undefined

  constructor(
    instance: Instance,
    request: JsonRpcRequest,
    complete: (result: JsonObject | RawJson) => RawJson,
    streamAfter: number,
    quota: CallQuota | undefined,
    statusOf: StatusOf = statelessStatus,
  ) {
    this.#instance = instance
    this.#request = request
    this.#complete = complete
    this.#streamAfter = streamAfter
    this.#quota = quota
    this.#statusOf = statusOf
  }

  /** Runs the call; `gone` is aborted when the client's connection ends. */
  run(
    call: Run,
    streams: boolean,
    deadline: number | undefined,
    gone: () => AbortSignal | undefined,
    work: () => JsonObject | RawJson | Promise<JsonObject | RawJson>,
  ): Reply | Promise<Reply> {
    this.#call = call
    try {
      const result = work()
      if (!(result instanceof Promise)) {
        this.#finish(result)
        return this.#reply as unknown as Reply
      }
      // It is under way: a drain waits for it, and a client that goes cancels it.
      this.#key = randomId(6)
      this.#instance.early.set(this.#key, this)
      this.#quota?.begin()
      const signal = gone()
      const left = () => this.cancel('The client closed the connection.')
      if (signal?.aborted) queueMicrotask(left)
      else signal?.addEventListener('abort', left, { once: true })
      const { abandonBefore } = this.#instance.options
      this.#deadline = this.#instance.before(deadline, abandonBefore, 0.25, () => this.abandon(OUT_OF_TIME))
      if (streams && !this.#streaming)
        this.#timer = this.#instance.clock.after(this.#streamAfter, () => this.#beginStream())
      result.then(
        (value) => this.#finish(value),
        (error) => this.#fail(error),
      )
    } catch (error) {
      this.#fail(error)
    }
    return this.#reply ?? new Promise((resolve) => (this.#resolve = resolve))
  }

  /** A message before the result. */
  say(text: string): void {
    this.#beginStream()
    this.#write(sseMessage(text))
  }

  #beginStream(): void {
    if (this.#streaming || this.#reply) return
    this.#streaming = true
    this.#answer({ kind: 'stream', source: this })
    this.#keepAlive()
  }

  #keepAlive(): void {
    const { heartbeat } = this.#instance.options
    if (heartbeat <= 0) return
    this.#timer?.cancel()
    this.#timer = this.#instance.clock.after(heartbeat, () => {
      this.#write(SSE_COMMENT)
      this.#keepAlive()
    })
  }

  attach(writer: ResponseWriter): void {
    this.#writer = writer
    const text = this.#early.join('')
    this.#early = []
    writer.write(text === '' ? SSE_COMMENT : text)
    if (!this.#call) writer.end()
  }

  detached(): void {
    this.cancel('The client closed the connection.')
  }

  /** Closing the response cancels the call: nothing more is said. */
  cancel(reason = 'The call was cancelled.'): void {
    if (!this.#call) return
    const writer = this.#writer
    this.#end(reason)
    this.#writer = undefined
    if (this.#streaming) writer?.end()
    else this.#answer({ kind: 'empty', status: 499 })
  }

  /** The instance goes and waits no longer. */
  abandon(message = SHUT_DOWN): void {
    this.#settle(errorText({ code: ErrorCode.InternalError, message }, this.#request.id), 503, message)
  }

  #finish(result: JsonObject | RawJson): void {
    const call = this.#call
    if (!call) return
    if (call.pending) return this.#askAgain(call)
    const { id } = this.#request
    const complete = this.#complete(result)
    this.#settle(resultText(id, complete), 200, undefined, resultBytes(id, complete))
  }

  #askAgain(call: Run): void {
    try {
      this.#settle(resultText(this.#request.id, this.#complete(call.inputRequired())), 200)
    } catch (error) {
      this.#settle(this.#errorText(error), 200)
    }
  }

  #fail(error: unknown): void {
    const call = this.#call
    if (!call) return
    if (call.pending || error instanceof AskPending) return this.#askAgain(call)
    this.#settle(this.#errorText(error), this.#statusOf(error))
  }

  #errorText(error: unknown): string {
    const { id } = this.#request
    if (error instanceof ProtocolError) return errorText(error.toObject(), id)
    if (error instanceof MissingCapability) {
      const data = { requiredCapabilities: error.requiredCapabilities }
      return errorText({ code: ErrorCode.MissingClientCapability, message: error.message, data }, id)
    }
    this.#instance.report(error)
    const message =
      error instanceof StoreUnavailable ? 'The store did not answer; try again.' : 'The server failed to answer.'
    return errorText({ code: ErrorCode.InternalError, message }, id)
  }

  #settle(text: string, status: number, cancelled?: string, bytes?: () => Uint8Array): void {
    if (!this.#call) return
    if (this.#streaming) {
      this.#write(sseMessage(text))
      this.#end(cancelled)
      this.#writer?.end()
    } else {
      this.#end(cancelled)
      this.#answer({ kind: 'json', status, body: text, bytes })
    }
  }

  #end(cancelled?: string): void {
    this.#timer?.cancel()
    this.#deadline?.cancel()
    this.#call?.end(cancelled)
    this.#call = undefined
    if (this.#key === undefined) return
    this.#quota?.end()
    this.#instance.forgetEarly(this.#key, this)
  }

  #answer(reply: Reply): void {
    this.#reply = reply
    this.#resolve?.(reply)
  }

  #write(text: string): void {
    if (!this.#writer) this.#early.push(text)
    // It reads too slowly, and nothing can be resumed here: the client sends the request again.
    else if (!this.#writer.write(text)) this.cancel('The client read too slowly.')
  }
}

const SHUT_DOWN = 'The instance is shutting down; send the request again.'
const OUT_OF_TIME = 'This call was not done when the time was over that the platform gives it.'

/** Spec-matrix 1.4. */
function statelessStatus(error: unknown): number {
  if (error instanceof MissingCapability) return 400
  if (error instanceof ProtocolError) return error.code === ErrorCode.MethodNotFound ? 404 : 200
  return error instanceof StoreUnavailable ? 503 : 200
}
