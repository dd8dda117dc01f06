/**
 * Every form of the address of Redis. A bundle loads this file for addresses that are not plain (`place.ts`), and for wrong ones.
 *
 * - `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS
 * - `redis+cluster://…host[:port][,host[:port]…]`: some nodes of a cluster. Several addresses with commas mean the same
 * - `redis+sentinel://…host[:port][,…]/name[/database][?sentinelUsername=…&sentinelPassword=…]`, as Python libraries have it
 * - `unix://[user:password@]/path[?db=…&username=…&password=…]`, as go-redis and redis-py have it, or `redis+unix://`
 *
 * `valkey` means the same as `redis` in each of them.
 */
import { isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import type { Node, Place } from './place.ts'

type Kind = 'server' | 'cluster' | 'sentinel' | 'socket'

const SCHEME = /^(?:(?:redis|valkey)(s?)(?:\+(cluster|sentinel|unix))?|unix)$/

const FORM =
  'redis://[user:password@]host[:port][/database] (rediss:// for TLS), redis+cluster://host[,host], ' +
  'redis+sentinel://host[,host]/name[/database] or unix:///path'

interface Part extends Omit<Place, 'cluster'> {
  kind: Kind
}

/** @throws TypeError */
export function readAddress(url: string | undefined, cluster: readonly string[] | undefined): Place {
  if (url !== undefined && cluster !== undefined) throw wrong('is given twice, as `url` and as `cluster`')
  // A comma is also between the hosts of one address.
  const texts = (cluster ?? url?.split(/,(?=\s*[a-z][a-z\d+.-]*:\/\/)/i) ?? []).map((text) => text.trim())
  if (/^,*$/.test(texts.join('').replace(/\s/g, ''))) throw wrong('is missing (is REDIS_URL set?)')
  if (texts.includes('')) throw wrong('has an empty item in its list')
  const parts = texts.map(readPart)
  const [first] = parts as [Part]
  const nodes = parts.flatMap((part) => part.nodes)
  const { kind, ...place } = first
  const isCluster = cluster !== undefined || kind === 'cluster' || (kind === 'server' && nodes.length > 1)
  for (const other of parts) checkTogether(first, other, isCluster || parts.length > 1)
  return { ...place, nodes, cluster: isCluster }
}

/** @param several there is a cluster, or there are several addresses */
function checkTogether(first: Part, other: Part, several: boolean): void {
  if (!several) return
  if (other.kind === 'socket') throw wrong('has a socket, and a cluster has none')
  if (other.kind === 'sentinel') throw wrong('has Sentinels in a list (all of them are in one address, with commas)')
  if (other.tls !== first.tls || other.kind !== first.kind) throw wrong('must have the same scheme for every node')
  const named = other.username !== undefined || other.password !== undefined
  const same = other.username === first.username && other.password === first.password
  if (named && !same) throw wrong('must have the same user and password for every node')
  if (other.db !== 0) throw wrong('has a database, and a cluster has none but 0')
}

function readPart(text: string): Part {
  const [, scheme, rest = ''] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === undefined) throw wrong('has no scheme')
  const [matched, secure, suffix = 'server'] = SCHEME.exec(scheme.toLowerCase()) ?? []
  if (matched === undefined) throw wrong(`has the scheme ${scheme}://`)
  const kind: Kind = matched === 'unix' || suffix === 'unix' ? 'socket' : (suffix as Kind)
  const tls = secure === 's'
  if (tls && kind === 'socket') throw wrong('has TLS, and a socket has none')
  const [, authority = '', path = '', query, hash] = /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(rest) ?? []
  if (hash !== undefined) throw wrong('has a part behind # (in a password it is written as %23)')
  const at = authority.lastIndexOf('@')
  const login = readLogin(authority.slice(0, Math.max(at, 0)))
  const hosts = authority.slice(at + 1)
  if (kind === 'socket') return { ...readSocket(hosts, path, query, login), kind, tls }
  const nodes = hosts.split(',').map((host) => readNode(host.trim(), hosts, kind === 'sentinel' ? 26_379 : 6_379))
  const common = { nodes, socket: undefined, ...login, tls, kind }
  if (kind === 'sentinel') return { ...common, ...readWatched(path, query) }
  if (query !== undefined) readQuery(query, [])
  return { ...common, sentinel: undefined, db: readDatabase(path.replace(/^\//, '')) }
}

type Login = Pick<Place, 'username' | 'password'>

function readLogin(text: string): Login {
  if (text.includes(',')) throw wrong(ESCAPES)
  const colon = text.indexOf(':')
  const username = decode(colon < 0 ? text : text.slice(0, colon))
  return checkLogin(username, colon < 0 ? undefined : decode(text.slice(colon + 1)))
}

function checkLogin(username: string | undefined, password: string | undefined, what = 'a user'): Login {
  // The client library would ignore such a user.
  if (username !== undefined && username !== 'default' && password === undefined) {
    throw wrong(`has ${what} and no password (a password alone is written as redis://:password@host)`)
  }
  return { username, password }
}

const ESCAPES = 'is no address (in a user or a password, : / ? # @ and , are written as %3A %2F %3F %23 %40 %2C)'

function readNode(text: string, hosts: string, defaultPort: number): Node {
  if (text === '' && hosts !== '') throw wrong('has an empty item in its list')
  const [matched, v6, name, digits] = /^(?:\[([\da-f:.]+)\]|([^\s:[\]<>^|%\\]*))(?::(\d*))?$/i.exec(text) ?? []
  if (matched === undefined || (v6 !== undefined && !isIPv6(v6))) throw wrong(ESCAPES)
  const host = v6 ?? domainToASCII(name ?? '')
  if (host === '') throw wrong(name === '' ? 'has no host' : ESCAPES)
  const port = digits ? Number(digits) : defaultPort
  if (port < 1 || port > 65_535) throw wrong('has a port that is not 1 to 65535')
  return { host, port }
}

function readDatabase(text: string): number {
  if (!/^\d{0,9}$/.test(text)) throw wrong('has a path that is not the number of a database')
  return Number(text)
}

function readWatched(path: string, query: string | undefined): Pick<Place, 'sentinel' | 'db'> {
  const [, name = '', db = '', ...more] = path.split('/')
  if (name === '') throw wrong('has no name of the primary that the Sentinels watch, as in redis+sentinel://host/name')
  const { sentinelUsername, sentinelPassword } = readQuery(query ?? '', ['sentinelUsername', 'sentinelPassword'])
  const login = checkLogin(sentinelUsername, sentinelPassword, 'sentinelUsername')
  return { sentinel: { name: decode(name) ?? '', ...login }, db: readDatabase([db, ...more].join('/')) }
}

function readSocket(host: string, path: string, query: string | undefined, login: Login): Omit<Part, 'kind' | 'tls'> {
  if (host !== '') throw wrong('has a host, and a socket has none: unix:///path')
  const socket = decode(path)
  if (socket === undefined || socket === '/') throw wrong('has no path of a socket')
  const { db = '', username, password } = readQuery(query ?? '', ['db', 'username', 'password'])
  const twice = (login.username ?? username) !== username || (login.password ?? password) !== password
  if ((username ?? password) !== undefined && twice) throw wrong('has two users or two passwords')
  const named = checkLogin(username ?? login.username, password ?? login.password)
  return { nodes: [], socket, sentinel: undefined, ...named, db: readDatabase(db) }
}

/** The parameters behind `?`. A plus sign means itself: passwords have it. */
function readQuery<N extends string>(query: string, known: readonly N[]): { [name in N]?: string | undefined } {
  const found = new Map<string, string | undefined>()
  for (const item of query === '' && known.length > 0 ? [] : query.split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(item) ?? []
    if (!known.some((one) => one === name)) throw wrong(unknownParameter(name, known))
    if (found.has(name)) throw wrong(`has the parameter ${name} twice`)
    found.set(name, decode(value))
  }
  return Object.fromEntries(found) as { [name in N]?: string | undefined }
}

function unknownParameter(name: string, known: readonly string[]): string {
  if (known.length > 0) return `has a parameter behind ? that is none of ${known.join(', ')}`
  if (name === 'db') return 'has ?db=: the database belongs into the path, as in redis://host:6379/3'
  return 'has parameters behind ?, and there are none (TLS is written as rediss://, a cluster as redis+cluster://)'
}

function decode(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    throw wrong('has a % that is no escape (a percent sign is written as %25)')
  }
}

function wrong(what: string): TypeError {
  return new TypeError(`The address of Redis ${what}. It must look like ${FORM}.`)
}
