/** Status and headers of a Response, in the form of Lambda. */

/** They are about one connection, and the connection of the client is another one (RFC 9110, 7.6.1). */
const HOP_BY_HOP = /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/

interface Head extends Record<string, unknown> {
  statusCode: number
  headers: Record<string, string>
  cookies: string[]
}

export function statusAndHeaders(response: Response): Head {
  const headers: Record<string, string> = {}
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie' && !HOP_BY_HOP.test(name)) headers[name] = value
  }
  return { statusCode: response.status, headers, cookies: response.headers.getSetCookie() }
}
