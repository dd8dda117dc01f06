/** Where Redis is, and under which names a store keeps its keys there: read and checked before anything is connected. */

export interface Place {
  /** The address of Redis, or those of some nodes of a cluster. */
  nodes: URL[]
  /** The path of a Unix socket, in place of host and port. */
  socket: string | undefined
  cluster: boolean
  username: string | undefined
  password: string | undefined
  tls: boolean
  db: number
}

const FORM = 'redis://[user:password@]host[:port][/database], rediss:// for TLS, or unix:///path for a socket'

/**
 * Reads the address of Redis: `redis://` or `rediss://` (TLS), several for a cluster, separated by commas.
 *
 * @throws TypeError with a line that says what is wrong. It repeats no address, which may have a password in it.
 */
export function readPlace(url: string | undefined, cluster: readonly string[] | undefined): Place {
  if (url !== undefined && cluster !== undefined) throw wrong('is given twice, as `url` and as `cluster`')
  const texts = (cluster ?? url?.split(',') ?? []).map((text) => text.trim())
  if (texts.join('') === '') throw wrong('is missing (is REDIS_URL set?)')
  if (texts.includes('')) throw wrong('has an empty item in its list')
  const parts = texts.map(readNode)
  const [first] = parts as [Node]
  for (const other of parts) {
    if (other.tls !== first.tls) throw wrong('must have the same scheme for every node')
    const named = other.username !== undefined || other.password !== undefined
    const same = other.username === first.username && other.password === first.password
    if (named && !same) throw wrong('must have the same user and password for every node')
  }
  const isCluster = cluster !== undefined || texts.length > 1
  if (isCluster && parts.some(({ socket }) => socket !== undefined)) throw wrong('has a socket, and a cluster has none')
  if (isCluster && parts.some(({ db }) => db !== 0)) throw wrong('has a database, and a cluster has none but 0')
  const { socket, username, password, tls, db } = first
  return { nodes: parts.map(({ url }) => url), socket, cluster: isCluster, username, password, tls, db }
}

interface Node extends Omit<Place, 'nodes' | 'cluster'> {
  url: URL
}

function readNode(text: string): Node {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw wrong('has no scheme')
  if (scheme === 'unix') return readSocket(text)
  if (scheme !== 'redis' && scheme !== 'rediss') throw wrong(`has the scheme ${scheme}://`)
  const port = /:(\d+)(?:[/?#]|$)/.exec(text.slice(text.lastIndexOf('@') + 1))?.[1]
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw wrong('has a port that is not 1 to 65535')
  const url = URL.parse(text)
  if (!url)
    throw wrong('is no address (in a user or a password, : / ? # @ and , are written as %3A %2F %3F %23 %40 %2C)')
  if (url.hostname === '') throw wrong('has no host')
  if (url.hash !== '') throw wrong('has a part behind # (in a password it is written as %23)')
  const query = url.searchParams.keys().next().value
  if (query === 'db') throw wrong('has ?db=: the database belongs into the path, as in redis://host:6379/3')
  if (query !== undefined || url.href.includes('?')) throw wrong('has parameters behind ?, and there are none')
  const path = url.pathname.replace(/^\//, '')
  if (!/^\d{0,9}$/.test(path)) throw wrong('has a path that is not the number of a database')
  const [username, password] = [decode(url.username), decode(url.password)]
  // The client library would ignore such a user.
  if (username !== undefined && username !== 'default' && password === undefined) {
    throw wrong('has a user and no password (a password alone is written as redis://:password@host)')
  }
  return { url, socket: undefined, username, password, tls: scheme === 'rediss', db: Number(path) }
}

function readSocket(text: string): Node {
  const url = URL.parse(text)
  const path = decode(url?.pathname ?? '')
  if (!url || !path?.startsWith('/') || path === '/') throw wrong('has no path of a socket')
  if (url.host + url.username !== '') throw wrong('has a host, and a socket has none: unix:///path')
  if (url.search + url.hash !== '') throw wrong('has a part behind ? or #, and a socket has none')
  return { url, socket: path, username: undefined, password: undefined, tls: false, db: 0 }
}

function decode(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    throw wrong('has a % in its user or password that is no escape (a percent sign is written as %25)')
  }
}

function wrong(what: string): TypeError {
  return new TypeError(`The address of Redis ${what}. It must look like ${FORM}.`)
}

const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
export const DEFAULT_PREFIX = 'mcp'
export const PREFIX_FORM = '1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit'

/**
 * Checks the prefix of all keys. Without a colon no prefix is the beginning of another one's keys, and without braces it
 * changes no slot of a cluster.
 *
 * @throws TypeError
 */
export function readPrefix(prefix: string): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix
  throw new TypeError(`The prefix of the keys must be ${PREFIX_FORM}.`)
}
