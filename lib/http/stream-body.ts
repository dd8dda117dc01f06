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
  { maxBuffered, readTimeout, clock, output, client }: StreamParts,
  breakConnection?: () => void,
): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>
  let waiting = ''
  /** draining: everything is written, and the reader has not taken all of it. */
  let state: 'open' | 'ending' | 'draining' | 'closed' = 'open'
  /** Bytes that the stream was given, and those that the reader had taken when it was last looked at. */
  let given = 0
  let taken = 0
  let full: PromiseWithResolvers<void> | undefined
  let stalled: Timer | undefined

  const left = () => (controller.desiredSize ?? 0) - waiting.length
  const takenNow = () => given - (maxBuffered - (controller.desiredSize ?? maxBuffered))
  const isRead = () => controller.desiredSize === maxBuffered
  const makeRoom = () => {
    stalled?.cancel()
    full?.resolve()
    full = undefined
  }
  const close = () => {
    state = 'closed'
    waiting = ''
    makeRoom()
  }
  const counted: Output = {
    client,
    waiting: () => maxBuffered - left(),
    cut: () => giveUp(),
  }
  const giveUp = () => {
    close()
    output.remove(counted)
    // An error of the body would become a text in it, with the adapter for Node.
    if (breakConnection) breakConnection()
    else controller.error(new TooSlow())
    queueMicrotask(() => source.detached())
  }
  const watch = () => {
    stalled = clock.after(readTimeout, () => {
      const now = takenNow()
      if (now === taken) return giveUp()
      taken = now
      watch()
    })
  }
  const flush = () => {
    if (state === 'closed' || state === 'draining') return
    if (waiting !== '') {
      const bytes = encoder.encode(waiting)
      waiting = ''
      given += bytes.byteLength
      for (let at = 0; at < bytes.byteLength; at += CHUNK) controller.enqueue(bytes.subarray(at, at + CHUNK))
    }
    if (state === 'ending') finish()
  }
  const finish = () => {
    makeRoom()
    // `pull` is not called after the close: a stream that is counted closes when its reader has everything.
    if (isRead() || !output.counts(counted)) {
      output.remove(counted)
      close()
      controller.close()
    } else state = 'draining'
  }
  const writer: ResponseWriter = {
    write(text) {
      if (state !== 'open') return
      if (left() < (1 - HARD) * maxBuffered) return giveUp()
      if (waiting === '') queueMicrotask(flush)
      waiting += text
      // Counted in bytes as early as possible: a handler may write much in one turn.
      if (waiting.length >= CHUNK) flush()
      output.report(counted, maxBuffered - left())
      if (state !== 'open' || full || left() > 0) return
      full = Promise.withResolvers()
      taken = takenNow()
      watch()
    },
    takes: (length) => state !== 'open' || left() - length >= (1 - HARD) * maxBuffered,
    get room() {
      return full?.promise
    },
    end() {
      if (state !== 'open') return
      state = 'ending'
      if (waiting === '') flush()
    },
  }
  return new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made
        source.attach(writer)
      },
      pull() {
        if (full && left() > 0) makeRoom()
        if (!isRead()) return
        if (state === 'draining') finish()
        else output.remove(counted)
      },
      cancel() {
        output.remove(counted)
        const wasOpen = state === 'open' || state === 'ending'
        close()
        if (wasOpen) source.detached()
      },
    },
    { highWaterMark: maxBuffered, size: (chunk) => chunk.byteLength },
  )
}
