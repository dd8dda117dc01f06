/** Reading a request body: bounded in size and depth, and never more of it than needed to refuse it. */
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { HttpOptions } from '../settings.ts'
import { isJsonType, type ReadHeader } from './headers.ts'

/** @throws Refusal 415 */
export function requireJson(header: ReadHeader): void {
  if (isJsonType(header('content-type'))) return
  throw new Refusal(415, ErrorCode.InvalidRequest, 'Content-Type must be application/json.')
}

/**
 * Reads a body as text. Where it rejects, {@link unreadable} makes the refusal: a wrapper here would cost each request a
 * promise.
 * @throws Refusal 413
 */
export function readText(request: Request, header: ReadHeader, maxBytes: number): Promise<string> {
  const announced = Number(header('content-length'))
  // The HTTP server holds the client to the announced length.
  if (announced > maxBytes) throw tooLarge(maxBytes)
  return Number.isInteger(announced) ? request.text() : readUnannounced(request, maxBytes)
}

/** The error to throw where {@link readText} rejected with `error`: the client sent no whole body. */
export function unreadable(error: unknown): ProtocolError {
  return error instanceof Refusal ? error : invalidRequest('The body ended before all of it had arrived.')
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, ErrorCode.InvalidRequest, `The body is over the limit of ${maxBytes} bytes.`)
}

async function readUnannounced(request: Request, maxBytes: number): Promise<string> {
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Parses a body that was read. Its real size counts, whatever its client announced: not every platform compares the two.
 *
 * @throws ProtocolError -32700 where the text is no JSON, -32600 where it is nested deeper than `maxDepth`
 * @throws Refusal 413
 */
export function parseJson(text: string, { maxBytes, maxDepth }: Pick<HttpOptions, 'maxBytes' | 'maxDepth'>): unknown {
  // A character has three bytes at most.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) throw tooLarge(maxBytes)
  if (isDeeperThan(text, maxDepth)) throw invalidRequest(`The body is nested deeper than ${maxDepth} levels.`)
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'The body is not valid JSON.')
  }
}

/** Most bodies open too few objects and arrays to be too deep: a count without a loop over each character. */
function opensMoreThan(text: string, max: number): boolean {
  let opened = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++opened > max) return true
    }
  }
  return false
}

const QUOTE = 34
const BACKSLASH = 92

/** Counts brackets outside strings. The count may be wrong for a text that is not JSON, which is refused afterwards. */
function isDeeperThan(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth || !opensMoreThan(text, maxDepth)) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === BACKSLASH) i++
      else if (char === QUOTE) inString = false
    } else if (char === QUOTE) inString = true
    else if (char === 123 || char === 91) {
      if (++depth > maxDepth) return true
    } else if (char === 125 || char === 93) depth--
  }
  return false
}
