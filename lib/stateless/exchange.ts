/**
 * A stateless POST and its reply: JSON if the result is the first message, otherwise a stream that ends with the
 * result.
 */

import type { Timer } from '../base/clock.ts'
import { asError } from '../base/errors.ts'
import { randomId } from '../base/ids.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, RawJson } from '../protocol/jsonrpc.ts'
import { errorText, resultBytes, resultText } from '../protocol/jsonrpc.ts'
import { SSE_COMMENT, sseMessage } from '../protocol/sse.ts'
import type { Caller } from '../runtime/caller.ts'
import { failureResponse, MAX_UNSENT, OUT_OF_TIME, TOO_MUCH } from '../runtime/error-text.ts'
import type { Instance } from '../runtime/instance.ts'
import { PendingReply } from '../runtime/pending-reply.ts'
import type { Reply, ResponseWriter, StreamSource } from '../runtime/reply.ts'
import { before } from '../runtime/timers.ts'
import { AskPending, MissingCapability } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { FirstExchange, LastingRun } from './parking/parking.ts'
import type { Run } from './run.ts'

/** A request, its caller and its connection. */
export interface StatelessInput {
  caller: Caller
  request: JsonRpcRequest
  /** The client takes `text/event-stream`. */
  streams: boolean
  /**
   * The signal that is aborted when the client's connection ends. Called only for a call that does not return at once.
   */
  gone?(): AbortSignal | undefined
}

export class StatelessExchange implements StreamSource, FirstExchange {
  readonly #instance: Instance
  readonly #input: StatelessInput
  readonly #complete: (result: JsonObject | RawJson) => RawJson
  readonly #streamAfter: number
  readonly #statusOf: (error: unknown) => number
  #call: Run | undefined
  #timer: Timer | undefined
  #deadline: Timer | undefined
  /** Messages that were sent before the response began. */
  #queue = ''
  #writer: ResponseWriter | undefined
  #streaming = false
  readonly #reply = new PendingReply()
  #key: string | undefined
  /** The handler returned a promise that has not settled: it keeps its place, whatever became of the call. */
  #runs = false
  /** The run that waits for its client, where it may not run again. */
  #lasting: LastingRun | undefined
  /** The reply is there, and the call goes on without it. */
  #isLeft = false

  /** `statusOf`: the HTTP status of an error that is the first message of the reply. */
  constructor(
    instance: Instance,
    input: StatelessInput,
    complete: (result: JsonObject | RawJson) => RawJson,
    streamAfter: number,
    statusOf = statelessStatus,
  ) {
    this.#instance = instance
    this.#input = input
    this.#complete = complete
    this.#streamAfter = streamAfter
    this.#statusOf = statusOf
  }

  run(call: Run, work: () => JsonObject | RawJson | Promise<JsonObject | RawJson>): Reply | Promise<Reply> {
    const { caller, streams } = this.#input
    this.#call = call
    try {
      const result = work()
      if (!(result instanceof Promise)) {
        this.#finish(result)
        return this.#reply.take()
      }
      this.#runs = true
      caller.quota?.begin()
      caller.held?.retain()
      result.then(
        (value) => {
          this.#returned()
          this.#finish(value)
        },
        (error) => {
          this.#returned()
          this.#fail(error)
        },
      )
      // The handler has sent too much before it returned: the call is over.
      if (!this.#call) return this.#reply.take()
      // The call is asynchronous: a drain waits for it, and a client that closes its connection cancels it.
      this.#key = randomId(6)
      this.#instance.unregistered.set(this.#key, this)
      const signal = this.#input.gone?.()
      const cancel = () => this.cancel('The client closed the connection.')
      if (signal?.aborted) queueMicrotask(cancel)
      else signal?.addEventListener('abort', cancel, { once: true })
      const { abandonBefore } = this.#instance.options
      this.#deadline = before(this.#instance.clock, caller.deadline, abandonBefore, 0.25, () =>
        this.abandon(OUT_OF_TIME),
      )
      if (streams && !this.#streaming)
        this.#timer = this.#instance.clock.after(this.#streamAfter, () => this.#beginStream())
    } catch (error) {
      this.#fail(error)
    }
    return this.#reply.take()
  }

  /** Sends a message before the result. The promise, where there is one, resolves when the reader has caught up. */
  send(text: string): Promise<void> | undefined {
    if (!this.#call) return undefined
    this.#beginStream()
    const takes = this.#writer ? this.#writer.takes(text.length) : this.#queue.length + text.length <= MAX_UNSENT
    if (!takes) this.abandon(TOO_MUCH)
    else this.#write(sseMessage(text))
    return this.#writer?.room
  }

  #beginStream(): void {
    if (this.#streaming || this.#reply.isGiven) return
    this.#streaming = true
    this.#reply.give({ kind: 'stream', source: this })
    this.#keepAlive()
  }

  #keepAlive(): void {
    const { heartbeat } = this.#instance.options
    if (heartbeat <= 0) return
    this.#timer?.cancel()
    this.#timer = this.#instance.clock.after(heartbeat, () => {
      if (!this.#writer?.room) this.#write(SSE_COMMENT)
      this.#keepAlive()
    })
  }

  attach(writer: ResponseWriter): void {
    this.#writer = writer
    const text = this.#queue
    this.#queue = ''
    writer.write(text === '' ? SSE_COMMENT : text)
    if (!this.#call) writer.end()
  }

  /** A stateless response cannot be resumed: the client has to send the request again. */
  detached(): void {
    this.cancel('The client closed the connection, or read too slowly.')
  }

  /** Cancels the call and sends nothing more: closing the response is a cancel (2026-07-28, "Cancellation"). */
  cancel(reason = 'The call was cancelled.'): void {
    if (!this.#call) return
    const writer = this.#writer
    this.#call.watch?.end('cancelled')
    this.#end(reason)
    this.#writer = undefined
    if (this.#streaming) writer?.end()
    else this.#reply.give({ kind: 'empty', status: 499 })
  }

  /** Ends the call with an error, because the instance or the platform ends. */
  abandon(message = SHUT_DOWN): void {
    this.#settle(errorText({ code: ErrorCode.InternalError, message }, this.#input.request.id), 503, message)
  }

  last(run: LastingRun): void {
    this.#lasting = run
  }

  finish(result: JsonObject): void {
    this.#lasting = undefined
    this.#finish(result)
  }

  leave(inputRequired: () => JsonObject): void {
    if (!this.#call) return
    this.#call.watch?.end('input_required')
    let text: string
    try {
      text = resultText(this.#input.request.id, this.#complete(inputRequired()))
    } catch (error) {
      return this.#settle(this.#errorText(error), 200, 'The client could not be asked.')
    }
    this.#isLeft = true
    this.#settle(text, 200)
  }

  #finish(result: JsonObject | RawJson): void {
    if (this.#lasting?.settled(result)) return
    const call = this.#call
    if (!call) return
    if (call.pending) return this.#askAgain(call)
    const { id } = this.#input.request
    let complete: RawJson
    try {
      complete = this.#complete(result)
    } catch (error) {
      return this.#fail(error)
    }
    this.#settle(resultText(id, complete), 200, undefined, resultBytes(id, complete))
  }

  #askAgain(call: Run): void {
    try {
      this.#settle(resultText(this.#input.request.id, this.#complete(call.inputRequired())), 200)
    } catch (error) {
      this.#settle(this.#errorText(error), 200)
    }
  }

  #fail(thrown: unknown): void {
    const error = asError(thrown)
    if (this.#lasting?.settled(error)) return
    const call = this.#call
    if (!call) return
    if (call.pending || error instanceof AskPending) return this.#askAgain(call)
    call.watch?.failed(error)
    this.#settle(this.#errorText(error), this.#statusOf(error))
  }

  #errorText(error: unknown): string {
    return failureResponse(error, this.#input.request, (unknown) => this.#instance.report(unknown), this.#complete)
  }

  #settle(text: string, status: number, cancelled?: string, bytes?: () => Uint8Array): void {
    if (!this.#call) return
    if (this.#streaming) {
      this.#write(sseMessage(text))
      this.#end(cancelled)
      this.#writer?.end()
    } else {
      this.#end(cancelled)
      this.#reply.give({ kind: 'json', status, body: text, bytes })
    }
  }

  #end(cancelled?: string): void {
    this.#timer?.cancel()
    this.#deadline?.cancel()
    if (!this.#isLeft) this.#call?.end(cancelled)
    this.#call = undefined
    if (this.#key === undefined) return
    if (!this.#runs) this.#givePlace()
    this.#instance.forgetUnregistered(this.#key, this)
  }

  /** The handler's promise has settled. */
  #returned(): void {
    this.#runs = false
    // A handler that ignores its signal goes on after the end of its call.
    if (!this.#call) this.#givePlace()
  }

  #givePlace(): void {
    const { quota, held } = this.#input.caller
    quota?.end()
    held?.release()
  }

  #write(text: string): void {
    if (this.#writer) this.#writer.write(text)
    else this.#queue += text
  }
}

const SHUT_DOWN = 'The instance is shutting down; send the request again.'

/** 2026-07-28, "Streamable HTTP": which errors have an HTTP status of their own. */
function statelessStatus(error: unknown): number {
  if (error instanceof MissingCapability) return 400
  if (error instanceof ProtocolError) return error.code === ErrorCode.MethodNotFound ? 404 : 200
  return error instanceof StoreUnavailable ? 503 : 200
}
