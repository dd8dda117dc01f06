/** A body that a framework has parsed already: read as strictly as the bytes of one. */
import type { Caller } from '../runtime/caller.ts'
import type { Memory } from '../runtime/memory.ts'
import type { HttpOptions } from '../settings.ts'
import { NEGLIGIBLE, PER_PART, parseJson, SHORT, take, tooDeep, tooLarge } from './body.ts'

const utf8 = new TextEncoder()

/**
 * Reads `parsedBody` of the options of a request.
 *
 * @param caller gets the count of the bytes that the request holds, where they are counted
 * @returns a copy, which reading may change
 * @throws ProtocolError, Refusal as for the bytes of a body
 * @throws TypeError where the value is none that JSON has: the fault of the app
 */
export function readParsed(
  given: unknown,
  options: Pick<HttpOptions, 'maxBytes' | 'maxDepth'>,
  memory: Memory,
  caller: Caller,
): unknown {
  const hold = () => {
    caller.held = memory.hold(caller.client)
    return caller.held
  }
  const bytes = typeof given === 'string' ? utf8.encode(given) : given
  if (bytes instanceof Uint8Array) {
    if (bytes.byteLength > NEGLIGIBLE) take(hold(), bytes.byteLength)
    return parseJson(bytes, options, caller.held)
  }
  const copy = new Copy(options)
  const value = copy.of(given, 0)
  if (copy.bytes > NEGLIGIBLE) take(hold(), copy.bytes + (copy.bytes > SHORT ? copy.parts * PER_PART : 0))
  return value
}

/** A copy of a JSON value, with the length that its shortest text would have. */
class Copy {
  /** Bytes of the text, escapes not counted. */
  bytes = 0
  /** Members and items. */
  parts = 0
  readonly #options: Pick<HttpOptions, 'maxBytes' | 'maxDepth'>

  constructor(options: Pick<HttpOptions, 'maxBytes' | 'maxDepth'>) {
    this.#options = options
  }

  of(value: unknown, depth: number): unknown {
    if (typeof value === 'string') {
      this.#count(2 + lengthOf(value))
      return value
    }
    if (value === null || typeof value === 'boolean') {
      this.#count(value === false ? 5 : 4)
      return value
    }
    if (typeof value === 'number' && Number.isFinite(value)) {
      this.#count(String(value).length)
      return value
    }
    if (typeof value !== 'object') throw notJson(typeof value)
    if (depth >= this.#options.maxDepth) throw tooDeep(this.#options.maxDepth)
    this.#count(2)
    return Array.isArray(value) ? this.#list(value, depth + 1) : this.#object(value, depth + 1)
  }

  #list(list: readonly unknown[], depth: number): unknown[] {
    this.parts += list.length
    this.#count(Math.max(0, list.length - 1))
    // Not `map`, which leaves the holes of a list out.
    return Array.from(list, (item) => this.of(item, depth))
  }

  #object(object: object, depth: number): Record<string, unknown> {
    if (!isPlain(object)) throw notJson(object.constructor?.name ?? 'object')
    const copy: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(object)) {
      // As JSON.stringify does.
      if (value === undefined) continue
      this.parts++
      this.#count(4 + lengthOf(name))
      const read = this.of(value, depth)
      // An assignment would set the prototype of the copy.
      if (name === '__proto__') Object.defineProperty(copy, name, { value: read, enumerable: true })
      else copy[name] = read
    }
    return copy
  }

  #count(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > this.#options.maxBytes) throw tooLarge(this.#options.maxBytes)
  }
}

/** An object as `JSON.parse` makes it, in this realm or in another one (a test runner's), or one without a prototype. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Bytes of the text in UTF-8. */
function lengthOf(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    // Each half of a surrogate pair takes two of four bytes.
    if (char > 0x7f) bytes += char < 0x800 || (char >= 0xd800 && char < 0xe000) ? 1 : 2
  }
  return bytes
}

function notJson(kind: string): TypeError {
  return new TypeError(`parsedBody must be a value as JSON.parse gives it; it has a ${kind}. Remove the reviver.`)
}
