/** The accessor of all URLs. */
const HREF = Object.getOwnPropertyDescriptor(URL.prototype, 'href') as { get(): string; set(text: string): void }

/**
 * A URL whose `href` and text are as the client wrote them. The URL parser would write `https://example.com` with a path, and
 * `café` with escapes, and a client may compare the URI of a result with its own. A handler that changes a part gets the
 * text that the parser writes.
 */
export function requestedUri(text: string): URL {
  const uri = new URL(text)
  const parsed = uri.href
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
