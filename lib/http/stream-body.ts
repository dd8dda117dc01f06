/** The live body of a streaming response: a ReadableStream with a bound on what a slow reader may leave waiting. */
import type { Clock } from '../base/clock.ts'
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

/** A reader over the bound that reads nothing for so long, in ms, is slow. A reader that reads was sent much at once. */
const GRACE = 10_000
/** No reader may leave so many times the bound waiting. */
const HARD = 16

export interface StreamParts {
  /** Bytes that a reader may leave waiting. */
  maxBuffered: number
  clock: Clock
  /** Counts the waiting bytes of all responses. */
  output: WaitingOutput
  /** The name under which limits count the reader. */
  client: string | undefined
}

/**
 * A body that `source` fills. Texts written in one turn of the event loop leave as one chunk. A reader that leaves more
 * than `maxBuffered` bytes waiting and does not read, or very much more, is dropped: the connection breaks, and the
 * waiting bytes are lost. A client that can resume does so after the last event that it has read.
 */
export function streamBody(
  source: StreamSource,
  { maxBuffered, clock, output, client }: StreamParts,
): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>
  let waiting = ''
  let state: 'open' | 'ending' | 'closed' = 'open'
  let given = 0
  let taken = 0
  let readAt = 0
  let reporting = false

  const counted: Output = {
    client,
    waiting() {
      const free = controller.desiredSize
      // The stream has failed, or its reader has all of it.
      if (free === null || (state === 'closed' && free === 0)) return undefined
      return maxBuffered - free + waiting.length
    },
    cut() {
      const open = state !== 'closed'
      state = 'closed'
      waiting = ''
      controller.error(new TooSlow())
      // A source that is writing just now learns it from the result of its write.
      if (open && !reporting) source.detached()
    },
  }
  const isTooSlow = () => {
    const free = controller.desiredSize ?? 0
    const room = free - waiting.length
    if (room > 0) return false
    const read = given - (maxBuffered - free)
    if (read > taken || readAt === 0) {
      taken = read
      readAt = clock.now()
    }
    return room < (1 - HARD) * maxBuffered || clock.now() - readAt > GRACE
  }
  const flush = () => {
    if (state === 'closed') return
    if (waiting !== '') {
      const chunk = encoder.encode(waiting)
      given += chunk.byteLength
      controller.enqueue(chunk)
      waiting = ''
    }
    if (state === 'ending') {
      state = 'closed'
      controller.close()
    }
  }
  const writer: ResponseWriter = {
    write(text) {
      if (state !== 'open') return false
      if (isTooSlow()) {
        state = 'closed'
        waiting = ''
        output.remove(counted)
        controller.error(new TooSlow())
        return false
      }
      if (waiting === '') queueMicrotask(flush)
      waiting += text
      reporting = true
      const kept = output.report(counted, maxBuffered - (controller.desiredSize ?? 0) + waiting.length)
      reporting = false
      return kept
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
      cancel() {
        output.remove(counted)
        if (state === 'closed') return
        state = 'closed'
        source.detached()
      },
    },
    { highWaterMark: maxBuffered, size: (chunk) => chunk.byteLength },
  )
}
