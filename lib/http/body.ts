/** Reading a request body: bounded in size and depth, and never more of it than needed to refuse it. */
import type { HeldBytes } from '../base/byte-budget.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { tooManyBytes } from '../runtime/refusals.ts'
import type { HttpOptions } from '../settings.ts'
import { fetchOptions } from './fetch-options.ts'
import { isJsonType, PLAIN_JSON, type ReadHeader } from './headers.ts'
import type { HttpRequest } from './request.ts'

/** A body as it was read. */
type Bytes = ArrayBuffer | Uint8Array

/** Bytes of a body that is not counted: its connection takes more. */
export const NEGLIGIBLE = 4 * 1024
/** Bytes of a body that is read at once. */
export const SHORT = 16 * 1024

/** The bytes that a request announces; NaN where it does not. */
export function announcedBytes(header: ReadHeader): number {
  return Number(header('content-length'))
}

/** @throws Refusal 503 */
export function take(held: HeldBytes, bytes: number): void {
  if (!held.grow(bytes)) throw tooManyBytes()
}

/** What V8 needs for a member of an object, an item of an array, or an empty one of them, in bytes. */
export const PER_PART = 24

/**
 * A body is JSON in UTF-8 (RFC 8259, section 8.1) without a content coding.
 *
 * @param parsed something in front has decoded and parsed the body
 * @throws Refusal 415
 */
export function requireJson(header: ReadHeader, parsed: boolean): void {
  const type = header('content-type')
  if (type !== PLAIN_JSON) {
    if (!isJsonType(type)) throw unsupported('Content-Type must be application/json.')
    if (parsed) return
    const charset = CHARSET.exec(type ?? '')?.[1]
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
      throw unsupported(`The charset of Content-Type must be utf-8, not ${charset}.`)
    }
  }
  const coding = header('content-encoding')
  if (!parsed && coding !== undefined && !/^\s*(?:identity)?\s*$/i.test(coding)) {
    const message = 'Content-Encoding must be identity: send the body without compression.'
    throw unsupported(message, { 'Accept-Encoding': 'identity' })
  }
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i

/** RFC 9110, section 15.5.16: the header names the codings that are accepted. */
function unsupported(message: string, headers: Record<string, string> = {}): Refusal {
  return new Refusal(415, ErrorCode.InvalidRequest, message, { headers })
}

/**
 * Reads the bytes of a body. Where it rejects, {@link unreadable} makes the refusal: a wrapper here would cost each
 * request a promise.
 *
 * @param announced see {@link announcedBytes}
 * @param held counts the body, unless that is {@link NEGLIGIBLE}: as it was announced where that is short, else as it arrives,
 * since announcing costs a client nothing
 * @throws Refusal 413, 500, 503
 */
export async function readBytes(
  c: HttpRequest,
  announced: number,
  maxBytes: number,
  held: HeldBytes | undefined,
): Promise<Bytes> {
  admitBody(c, announced, maxBytes, held)
  // Node parses what the packet has of the body before this goes on.
  await undefined
  return arrivedBytes(c, announced) ?? restOf(c, announced, maxBytes, held)
}

/** The first step of {@link readBytes}: the checks, before anything of the body is read. @throws Refusal 413, 500, 503 */
export function admitBody(c: HttpRequest, announced: number, maxBytes: number, held: HeldBytes | undefined): void {
  if (isTaken(c)) throw takenBody()
  // The HTTP server holds the client to the announced length.
  if (announced > maxBytes) throw tooLarge(maxBytes)
  if (held && announced <= SHORT) take(held, announced)
}

/**
 * The second step, after a turn of the microtasks. Most short bodies arrive in one packet with their headers. On Node they are
 * read without listeners and without a copy. The announced length is then the whole body, since the HTTP server holds the
 * client to it.
 */
export function arrivedBytes(c: HttpRequest, announced: number): Bytes | undefined {
  const { incoming } = fetchOptions(c)
  if (!(announced > 0 && announced <= SHORT) || incoming?.readableLength !== announced) return undefined
  const bytes: unknown = incoming.readableEncoding === null ? incoming.read?.() : undefined
  if (!(bytes instanceof Uint8Array)) return undefined
  // The end of the message has not been read yet, and the connection waits for that.
  incoming.resume?.()
  return bytes
}

/** The last step, for a body that has not arrived whole. */
export function restOf(
  { req }: HttpRequest,
  announced: number,
  maxBytes: number,
  held: HeldBytes | undefined,
): Promise<Bytes> {
  return held && !(announced <= SHORT) ? readChunks(req.raw, maxBytes, held) : req.raw.arrayBuffer()
}

/** The error to throw where {@link readBytes} rejected with `error`: the client sent no whole body. */
export function unreadable(error: unknown): ProtocolError {
  return error instanceof Refusal ? error : invalidRequest('The body ended before all of it had arrived.')
}

function isTaken(c: HttpRequest): boolean {
  const { incoming } = fetchOptions(c)
  return incoming ? incoming.readableDidRead === true && incoming.rawBody === undefined : c.req.raw.bodyUsed
}

/** A body can be read only once, and a parser of the app has done so. */
function takenBody(): Refusal {
  const message = 'The app has read the body of the request, and has not handed it over.'
  const cause = new Error(
    `${message} Pass it to endpoint.fetch as parsedBody, or serve the endpoint before the parser.`,
  )
  return new Refusal(500, ErrorCode.InternalError, message, { cause })
}

export function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, ErrorCode.InvalidRequest, `The body is over the limit of ${maxBytes} bytes.`)
}

/** @param held counts them as they arrive @throws Refusal 413, 503 */
export async function readChunks(request: Request, maxBytes: number, held: HeldBytes | undefined): Promise<Bytes> {
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    if (held) take(held, chunk.byteLength)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** It drops one byte order mark at the begin: JSON texts should have none, and readers may ignore it (RFC 8259, 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Parses a body that was read. Its real size counts, whatever its client announced: not every platform compares the two.
 *
 * @param held counts what the parsed body takes
 * @throws ProtocolError -32700 where the bytes are no UTF-8 or no JSON, -32600 where they are nested deeper than
 *   `maxDepth`
 * @throws Refusal 413, 503
 */
export function parseJson(
  bytes: Bytes,
  { maxBytes, maxDepth }: Pick<HttpOptions, 'maxBytes' | 'maxDepth'>,
  held: HeldBytes | undefined,
): unknown {
  if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'The body is not valid UTF-8.')
  }
  const isCounted = held !== undefined && text.length > SHORT
  if (isCounted || opensMoreThan(text, maxDepth)) {
    const parts = partsOf(text, maxDepth)
    if (parts === undefined) throw tooDeep(maxDepth)
    // What a body takes once it is parsed, beyond its text: `[[],[],…` becomes ten times as large.
    if (isCounted) take(held, parts * PER_PART)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError(ErrorCode.ParseError, 'The body is not valid JSON.')
  }
}

export function tooDeep(maxDepth: number): ProtocolError {
  return invalidRequest(`The body is nested deeper than ${maxDepth} levels.`)
}

/** Most bodies open too few objects and arrays to be too deep: a count without a loop over each character. */
function opensMoreThan(text: string, max: number): boolean {
  if (text.length <= max) return false
  let opened = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++opened > max) return true
    }
  }
  return false
}

const QUOTE = 34
const COMMA = 44
const BRACKET = 91
const BRACE = 123
const BACKSLASH = 92

/**
 * The members, items, objects and arrays of a JSON text, or undefined where it is nested too deeply. Strings may have any
 * characters. The number may be wrong for a text that is not JSON, which is refused afterwards.
 */
function partsOf(text: string, maxDepth: number): number | undefined {
  let parts = 0
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === BACKSLASH) i++
      else if (char === QUOTE) inString = false
    } else if (char === QUOTE) inString = true
    else if (char === COMMA) parts++
    else if (char === BRACE || char === BRACKET) {
      parts++
      if (++depth > maxDepth) return undefined
    } else if (char === 125 || char === 93) depth--
  }
  return parts
}
