/** Where Redis is, and under which names a store keeps its keys there: read and checked before anything is connected. */
import { readAddress } from './address.ts'

export interface Node {
  host: string
  port: number
}

/** The primary that Sentinels watch, and the login of the Sentinels themselves. */
export interface Watched {
  name: string
  username: string | undefined
  password: string | undefined
}

export interface Place {
  /** The server, some nodes of a cluster, or Sentinels. */
  nodes: Node[]
  /** The path of a Unix socket, in place of host and port. */
  socket: string | undefined
  cluster: boolean
  sentinel: Watched | undefined
  username: string | undefined
  password: string | undefined
  tls: boolean
  db: number
}

export const DEFAULT_PORT = 6379

/** One server without anything that has to be decoded: what most addresses are. `address.ts` reads all others. */
const PLAIN =
  /^(?:redis|valkey)(s?):\/\/(?:([\w.~-]*):([\w.~!$&'()*+;=-]+)@)?([a-z\d][a-z\d.-]*)(?::([1-9]\d{0,4}))?(?:\/(\d{0,9}))?$/i

/**
 * Reads the address of Redis: a server, a cluster, Sentinels or a socket. docs/deploy.md has every form.
 *
 * @throws TypeError with a line that says what is wrong. It repeats no address, which may have a password in it.
 */
export function readPlace(url: string | undefined, cluster: readonly string[] | undefined): Place {
  const plain = cluster === undefined && url !== undefined ? PLAIN.exec(url.trim()) : null
  if (plain === null) return readAddress(url, cluster)
  const [, tls, username, password, host = '', digits = DEFAULT_PORT, db] = plain
  const port = Number(digits)
  if (port > 65_535) return readAddress(url, cluster)
  return {
    nodes: [{ host: host.toLowerCase(), port }],
    socket: undefined,
    cluster: false,
    sentinel: undefined,
    username: username || undefined,
    password,
    tls: tls !== '',
    db: Number(db ?? 0),
  }
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
