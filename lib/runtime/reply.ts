/** The reply of a session or of the stateless revision to a request, from which HTTP makes the response. */
import { retryAfter } from '../base/ids.ts'
import type { ProtocolError } from '../protocol/errors.ts'
import { errorText, type RequestId } from '../protocol/jsonrpc.ts'

/** The live body of one streaming response, implemented by lib/http. */
export interface ResponseWriter {
  /** Writes SSE text. Where the reader has left far too much waiting, the response is given up, and its source detached. */
  write(text: string): void
  /** Whether a text of so many characters can be written without giving the response up. */
  takes(length: number): boolean
  /** The source keeps so many more characters for the reader (negative: fewer), beside those that it has written. */
  keeps(change: number): void
  /** While much waits for the reader: resolves when it has read enough, or when the response is over. */
  readonly room: Promise<void> | undefined
  /** Ends the response. Nothing may be written afterwards. */
  end(): void
}

interface WriterWatch {
  /** A text is about to be written. */
  writing?: (text: string) => void
  /** The response has ended. */
  ended: () => void
}

/** Passes everything on to `writer`, and reports what is written and the end. */
export function watchWriter(writer: ResponseWriter, { writing, ended }: WriterWatch): ResponseWriter {
  return {
    write(text) {
      writing?.(text)
      writer.write(text)
    },
    takes: (length) => writer.takes(length),
    keeps: (change) => writer.keeps(change),
    get room() {
      return writer.room
    },
    end() {
      writer.end()
      ended()
    },
  }
}

export type Reply =
  | {
      kind: 'json'
      status: number
      body: string
      /** The same as bytes, made when they are asked for: where they cost less than the text. */
      bytes?: (() => Uint8Array) | undefined
      headers?: Record<string, string>
    }
  | { kind: 'empty'; status: number; headers?: Record<string, string> }
  | { kind: 'stream'; headers?: Record<string, string>; source: StreamSource }

/** The part that fills a streaming response: it is given the writer. */
export interface StreamSource {
  /** The response has begun; called once. */
  attach(writer: ResponseWriter): void
  /** The client has gone, or the response failed. Not called after {@link ResponseWriter.end}. */
  detached(): void
}

/** Each response has a time of its own: clients that are refused together do not come back together. */
export const TRY_SOON = {
  get 'Retry-After'() {
    return retryAfter(1)
  },
}
/** For what does not pass in a moment. */
export const TRY_LATER = {
  get 'Retry-After'() {
    return retryAfter(10)
  },
}

/** A JSON-RPC error that is the answer of a request, with status 200. */
export function errorReply(error: ProtocolError, id: RequestId): Reply {
  return { kind: 'json', status: 200, body: errorText(error.toObject(), id) }
}

/** A streaming response that ends at once: the answer to a call that was cancelled. */
export const emptyStream: StreamSource = {
  attach: (writer) => writer.end(),
  detached: () => {},
}
