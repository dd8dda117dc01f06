import { normalUri } from '../../protocol/uri.ts'

/** The accessor of all URLs. */
const HREF = Object.getOwnPropertyDescriptor(URL.prototype, 'href') as { get(): string; set(text: string): void }

/**
 * A URL whose `href` and text are as the client wrote them. The URL parser would write `https://example.com` with a path, and
 * `café` with escapes, and a client may compare the URI of a result with its own. A handler that changes a part gets the
 * text that the parser writes.
 *
 * The parser removes tabs and line breaks, and what surrounds a URI; in some schemes it reads a backslash as a slash. By any
 * of these a text may become the address of another resource than the one whose normal form it has, with other scopes.
 *
 * @param normal the normal form, by which the resource was found
 * @returns undefined for a text that is no URL, or which the parser reads as another resource
 */
export function requestedUri(text: string, normal: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const uri = new URL(text)
  const parsed = uri.href
  if (text !== normal && !isRead(parsed, normal)) return undefined
  if (parsed === text) return uri
  const read = () => {
    const now = HREF.get.call(uri)
    return now === parsed ? text : now
  }
  return Object.defineProperties(uri, {
    href: { get: read, set: (value: string) => HREF.set.call(uri, value) },
    toString: { value: read },
    toJSON: { value: read },
  })
}

/** True where the parser reads the normal form as it has read the text. */
function isRead(parsed: string, normal: string): boolean {
  return URL.canParse(normal) && normalUri(new URL(normal).href) === normalUri(parsed)
}
