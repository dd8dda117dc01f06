/** The live body of a streaming response: a ReadableStream with a bound on what a slow reader may leave waiting. */
import type { Sink, StreamSource } from '../session/reply.ts'

const encoder = new TextEncoder()

/** The reader left too much waiting. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow'

  constructor() {
    super('The client read too slowly.')
    // The adapter prints it, and where it was thrown says nothing.
    this.stack = String(this)
  }
}

/**
 * A body that `source` fills. What is written in one turn leaves as one chunk. A reader that leaves more than
 * `maxBuffered` bytes waiting is dropped: the connection breaks, and what waited for it goes with it. A client that can
 * resume does so from what it has read.
 */
export function streamBody(source: StreamSource, maxBuffered: number): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>
  let waiting = ''
  let state: 'open' | 'ending' | 'closed' = 'open'

  const flush = () => {
    if (state === 'closed') return
    if (waiting !== '') {
      controller.enqueue(encoder.encode(waiting))
      waiting = ''
    }
    if (state === 'ending') {
      state = 'closed'
      controller.close()
    }
  }
  const sink: Sink = {
    write(text) {
      if (state !== 'open') return false
      if ((controller.desiredSize ?? 0) - waiting.length <= 0) {
        state = 'closed'
        waiting = ''
        controller.error(new TooSlow())
        return false
      }
      if (waiting === '') queueMicrotask(flush)
      waiting += text
      return true
    },
    end() {
      if (state !== 'open') return
      state = 'ending'
      if (waiting === '') flush()
    },
  }
  return new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
        source.attach(sink)
      },
      cancel() {
        if (state === 'closed') return
        state = 'closed'
        source.detached()
      },
    },
    { highWaterMark: maxBuffered, size: (chunk) => chunk.byteLength },
  )
}
