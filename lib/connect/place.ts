/** The address of an endpoint as text that is safe wherever a snippet has it, and who can reach it. */

/** Who reaches the host: this machine alone, a private network, the internet. */
type Reach = 'machine' | 'network' | 'internet'

export interface Place {
  /** The address in ASCII, without user, password and fragment. */
  url: string
  /** Scheme, host and port. */
  origin: string
  /** Path and query. */
  path: string
  secure: boolean
  reach: Reach
  /** `localhost`, by this name or 127.0.0.1: mcp-remote takes `http:` for these two. */
  plainLocal: boolean
}

const MACHINE = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0|\[::\])$/
const NETWORK =
  /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))(?:\.\d+){2,3}$|^\[(?:f[cd]|fe80:)|^[^.:]+$|\.(?:local|internal|lan|home\.arpa|test)$/

/**
 * Reads an address.
 *
 * @returns undefined for a text that is no address of HTTP
 */
export function readPlace(text: string): Place | undefined {
  // URL.parse is younger than some browsers that show the page.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  url.username = ''
  url.password = ''
  url.hash = ''
  // The parser leaves these in a query, and several clients replace ${…} in the texts of their settings.
  const href = url.href.replaceAll('{', '%7B').replaceAll('}', '%7D')
  const { origin, protocol, hostname } = url
  return {
    url: href,
    origin,
    path: href.slice(origin.length),
    secure: protocol === 'https:',
    reach: MACHINE.test(hostname) ? 'machine' : NETWORK.test(hostname) ? 'network' : 'internet',
    plainLocal: hostname === 'localhost' || hostname === '127.0.0.1',
  }
}
