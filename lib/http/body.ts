/** Reading a request body: bounded in size and depth, and never more of it than needed to refuse it. */
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'

/** The body is over its limit: 413. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/**
 * Rejects where the body breaks off: {@link unread} says how to answer that.
 * @throws BodyTooLarge (or rejects with it)
 */
export function readBody(request: Request, length: string | undefined, maxBytes: number): Promise<string> {
  const announced = Number(length)
  // The HTTP server holds the client to what it announced.
  if (announced > maxBytes) throw new BodyTooLarge()
  return Number.isInteger(announced) ? request.text() : readUnannounced(request, maxBytes)
}

/** What to throw where {@link readBody} failed: a body that breaks off is the client's doing. */
export function unread(error: unknown): Error {
  if (error instanceof BodyTooLarge) return error
  return new ProtocolError(ErrorCode.InvalidRequest, 'The body ended before all of it had arrived.')
}

async function readUnannounced(request: Request, maxBytes: number): Promise<string> {
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw new BodyTooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Parses JSON.
 * @throws ProtocolError -32700 where it is none, -32600 where it is nested deeper than `maxDepth`.
 */
export function parseBody(text: string, maxDepth: number): unknown {
  if (isDeeperThan(text, maxDepth)) {
    throw new ProtocolError(ErrorCode.InvalidRequest, `The body is nested deeper than ${maxDepth} levels.`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'The body is not valid JSON.')
  }
}

/** Most bodies open too few objects and arrays to be deep, wherever these stand; finding that out takes no loop over them. */
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

/** Counts brackets outside strings. What is not JSON may be counted wrongly; it is refused afterwards anyway. */
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
