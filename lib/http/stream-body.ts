/** The live body of a streaming response: a ReadableStream with bounds on what a slow reader may leave waiting. */
import type { Clock, Timer } from '../base/clock.ts'
import type { ResponseWriter, StreamSource } from '../runtime/reply.ts'
import type { Output, WaitingOutput } from '../runtime/waiting-output.ts'

const encoder = new TextEncoder()

/** The reader left too much waiting. */
class TooSlow extends Error {
  override readonly name = 'TooSlow'

  constructor() {
    super('The client read too slowly.')
    // The adapter prints the stack, and the place where this error is made tells nothing.
    this.stack = String(this)
  }
}

/** Bytes of one chunk: what a slow reader has taken is seen chunk by chunk. */
const CHUNK = 64 * 1024
/** No reader may leave so many times the bound waiting. */
const HARD = 16

export interface StreamParts {
  /** Bytes that may wait before the writers wait. */
  maxBuffered: number
  /** How long a reader may read nothing while more than these wait, in ms. */
  readTimeout: number
  clock: Clock
  /** Counts the waiting bytes of all responses. */
  output: WaitingOutput
  /** The name under which limits count the reader. */
  client: string | undefined
}

/**
 * A body that `source` fills. Texts written in one turn of the event loop leave together. While more than `maxBuffered`
 * bytes wait, `room` is a promise, for the writers to wait. A reader that reads nothing for `readTimeout` then, or that
 * leaves very much more waiting, is given up: the connection breaks, so that the response does not look complete.
 *
 * @param breakConnection where the platform can break the connection; otherwise the body fails
 */
export function streamBody(
  source: StreamSource,
  parts: StreamParts,
  breakConnection?: () => void,
): ReadableStream<Uint8Array> {
  const body = new StreamBody(source, parts, breakConnection)
  return new ReadableStream<Uint8Array>(body, BYTES)
}

/**
 * Nothing is pulled before the reader waits; the bound is counted here. The first pull of a stream makes functions that keep
 * all of it for longer (docs/decisions/2026-11-26-functions-in-members.md), and a short response needs none.
 */
const BYTES: QueuingStrategy<Uint8Array> = { highWaterMark: 0, size: (chunk) => chunk.byteLength }

/** A class: functions for each body, and a getter in an object literal, take V8 microseconds. */
class StreamBody implements ResponseWriter, Output {
  readonly client: string | undefined
  readonly #source: StreamSource
  readonly #parts: StreamParts
  readonly #breakConnection: (() => void) | undefined
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #waiting = ''
  /** Characters that the source keeps. */
  #kept = 0
  /** draining: everything is written, and the reader has not taken all of it. */
  #state: 'open' | 'ending' | 'draining' | 'closed' = 'open'
  /** Bytes that the stream was given, and those that the reader had taken when it was last looked at. */
  #given = 0
  #taken = 0
  #full: PromiseWithResolvers<void> | undefined
  #stalled: Timer | undefined

  constructor(source: StreamSource, parts: StreamParts, breakConnection: (() => void) | undefined) {
    this.client = parts.client
    this.#source = source
    this.#parts = parts
    this.#breakConnection = breakConnection
  }

  // For the stream -----------------------------------------------------------------------------------------------

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller
    this.#source.attach(this)
  }

  /** The reader waits: it has taken everything. */
  pull(): void {
    this.#makeRoom()
    if (this.#state === 'draining') this.#finish()
    else if (this.#kept === 0) this.#parts.output.remove(this)
  }

  cancel(): void {
    this.#parts.output.remove(this)
    const wasWritten = this.#state === 'draining' || this.#state === 'closed'
    this.#close()
    if (!wasWritten) this.#source.detached()
  }

  // For the source -----------------------------------------------------------------------------------------------

  write(text: string): void {
    if (this.#state !== 'open') return
    const { maxBuffered, output } = this.#parts
    if (this.#unread() > HARD * maxBuffered) return this.#giveUp()
    if (this.#waiting === '') queueMicrotask(() => this.#flush())
    this.#waiting += text
    // Counted in bytes as early as possible: a handler may write much in one turn.
    if (this.#waiting.length >= CHUNK) this.#flush()
    output.report(this, this.waiting())
    if (!this.#isOpen || this.#full || this.#unread() < maxBuffered) return
    this.#full = Promise.withResolvers()
    this.#taken = this.#takenNow()
    this.#watch()
  }

  takes(length: number): boolean {
    return this.#state !== 'open' || this.#unread() + length <= HARD * this.#parts.maxBuffered
  }

  keeps(change: number): void {
    this.#kept += change
    if (this.#isOpen) this.#parts.output.report(this, this.waiting())
  }

  get room(): Promise<void> | undefined {
    return this.#full?.promise
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    if (this.#waiting === '') this.#flush()
  }

  // For the count of all output ----------------------------------------------------------------------------------

  waiting(): number {
    return this.#unread() + this.#kept
  }

  cut(): void {
    this.#giveUp()
  }

  // ----------------------------------------------------------------------------------------------------------------

  get #isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Bytes in the stream that the reader has not taken. */
  #queued(): number {
    return -(this.#controller.desiredSize ?? 0)
  }

  #unread(): number {
    return this.#queued() + this.#waiting.length
  }

  #takenNow(): number {
    return this.#given - this.#queued()
  }

  #makeRoom(): void {
    this.#stalled?.cancel()
    this.#full?.resolve()
    this.#full = undefined
  }

  #close(): void {
    this.#state = 'closed'
    this.#waiting = ''
    this.#makeRoom()
  }

  #giveUp(): void {
    this.#close()
    this.#parts.output.remove(this)
    // An error of the body would become a text in it, with the adapter for Node.
    if (this.#breakConnection) this.#breakConnection()
    else this.#controller.error(new TooSlow())
    queueMicrotask(() => this.#source.detached())
  }

  #watch(): void {
    this.#stalled = this.#parts.clock.after(this.#parts.readTimeout, () => {
      const now = this.#takenNow()
      if (now === this.#taken) return this.#giveUp()
      this.#taken = now
      this.#watch()
    })
  }

  #flush(): void {
    if (this.#state === 'closed' || this.#state === 'draining') return
    if (this.#waiting !== '') {
      const bytes = encoder.encode(this.#waiting)
      this.#waiting = ''
      this.#given += bytes.byteLength
      for (let at = 0; at < bytes.byteLength; at += CHUNK) this.#controller.enqueue(bytes.subarray(at, at + CHUNK))
    }
    if (this.#state === 'ending') this.#finish()
  }

  #finish(): void {
    const { output } = this.#parts
    this.#makeRoom()
    // `pull` is not called after the close: a stream that is counted closes when its reader has everything.
    if (this.#queued() === 0 || !output.counts(this)) {
      output.remove(this)
      this.#close()
      this.#controller.close()
    } else this.#state = 'draining'
  }
}
