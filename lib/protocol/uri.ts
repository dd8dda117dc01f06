/**
 * The form in which URIs of resources are compared (RFC 3986, section 6.2.2), and templates too. It decides only which
 * resource is meant: lists, handlers and notifications have the spelling of the author or of the client.
 *
 * Scheme, and the host of a special scheme, are in lower case; escapes of unreserved characters are decoded, other characters
 * that no URI has are encoded, and an empty path of http and https is `/`. Dot segments are not resolved and escapes of
 * reserved characters are not decoded, so that no resource is reached by a path that leads through another one.
 */

/** The schemes whose hosts are host names of the network (URL standard), in which letters have no case. */
const SPECIAL: readonly string[] = ['http', 'https', 'ws', 'wss', 'ftp', 'file']
const WITH_PATH: readonly string[] = ['http', 'https']

const URI = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?(.*)$/is
/** An expression ends the authority where it begins a path, a query or a fragment. */
const TEMPLATE = /^([a-z][a-z0-9+.-]*):(?:\/\/((?:[^/?#{]|\{[^/?#&}][^}]*\}?)*))?(.*)$/is
const UNRESERVED = /[A-Za-z0-9._~-]/
/** No brace within: a text of opening braces would be read once for each of them. */
const EXPRESSION = /(\{[^{}]*\})/
const IN_URI = /%[0-9A-Fa-f]{2}|[^!#$%&'()*+,/:;=?@[\]\w.~-]/gu
const IN_TEMPLATE = /%[0-9A-Fa-f]{2}|[^!#$%&'()*+,/:;=?@[\]\w.~{}-]/gu

/** The normal form of a URI. */
export function normalUri(uri: string): string {
  return normal(uri, URI, (text) => escaped(text, IN_URI, isMalformed(uri)))
}

const forms = new WeakMap<object, string>()

/** The normal form of the URI of a change, which every connection of an instance asks for. */
function normalUriOf(change: { uri: string }): string {
  const form = forms.get(change) ?? normalUri(change.uri)
  forms.set(change, form)
  return form
}

/** The normal form of an RFC 6570 template, whose expressions stay as they are. */
export function normalTemplate(template: string): string {
  const malformed = isMalformed(template)
  return normal(template, TEMPLATE, (text) => outside(text, (literal) => escaped(literal, IN_TEMPLATE, malformed)))
}

function normal(text: string, parts: RegExp, encode: (text: string) => string): string {
  const [, name, authority, rest = ''] = parts.exec(text) ?? []
  if (name === undefined) return encode(text)
  const scheme = name.toLowerCase()
  if (authority === undefined) return `${scheme}:${encode(rest)}`
  const place = SPECIAL.includes(scheme) ? hostInLowerCase(encode(authority)) : encode(authority)
  const noPath = rest === '' || /^(?:[?#]|\{[?#&])/.test(rest)
  return `${scheme}://${place}${noPath && WITH_PATH.includes(scheme) ? '/' : ''}${encode(rest)}`
}

/** User information before the host has case. */
function hostInLowerCase(authority: string): string {
  const at = authority.lastIndexOf('@') + 1
  // Escapes are in upper case.
  const lower = (text: string) => text.toLowerCase().replace(/%[0-9a-f]{2}/g, (code) => code.toUpperCase())
  return authority.slice(0, at) + outside(authority.slice(at), lower)
}

/** Changes the text outside the expressions of a template. */
function outside(text: string, change: (literal: string) => string): string {
  return text
    .split(EXPRESSION)
    .map((piece, index) => (index % 2 === 1 ? piece : change(piece)))
    .join('')
}

/** A `%` without its digits. Decoding an escape after it could make another one: `%2%65` is not `%2e`. */
function isMalformed(text: string): boolean {
  return /%(?![0-9A-Fa-f]{2})/.test(text)
}

function escaped(text: string, pattern: RegExp, malformed: boolean): string {
  return text.toWellFormed().replace(pattern, (found) => {
    if (!found.startsWith('%')) return encodeURIComponent(found)
    const character = String.fromCharCode(Number.parseInt(found.slice(1), 16))
    return UNRESERVED.test(character) && !malformed ? character : found.toUpperCase()
  })
}

/** True for a path, in normal form, with a segment `.` or `..`, also where escapes separate its segments. */
export function hasDotSegment(uri: string): boolean {
  if (!uri.includes('.')) return false
  const [path = ''] = uri.split(/[?#]/, 1)
  return /(?:[:/]|%2F|%5C)\.\.?(?:$|\/|%2F|%5C)/.test(path)
}

const NONE: ReadonlySet<string> = new Set()

/** URIs in the spellings of a client, found by any spelling. */
export class UriSet {
  readonly #spellings = new Map<string, Set<string>>()

  constructor(uris: Iterable<string> = []) {
    for (const uri of uris) this.add(uri)
  }

  get size(): number {
    return this.#spellings.size
  }

  add(uri: string): void {
    const key = normalUri(uri)
    this.#spellings.set(key, (this.#spellings.get(key) ?? new Set()).add(uri))
  }

  delete(uri: string): void {
    const key = normalUri(uri)
    const spellings = this.#spellings.get(key)
    spellings?.delete(uri)
    if (spellings?.size === 0) this.#spellings.delete(key)
  }

  /** The spellings of the URI that has changed. */
  spellings(change: { uri: string }): ReadonlySet<string> {
    return (this.#spellings.size > 0 && this.#spellings.get(normalUriOf(change))) || NONE
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const spellings of this.#spellings.values()) yield* spellings
  }
}
