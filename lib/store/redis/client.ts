/** Making clients of Redis: where it is, how long it may take, and what counts as not answering. */
import type { RedisOptions } from 'ioredis'
import { Cluster, Redis } from 'ioredis'
import { StoreUnavailable } from '../store.ts'
import { scripts } from './scripts/index.ts'

export type Client = Redis | Cluster

/** The options of ioredis that are set here. */
type Settings = Pick<
  RedisOptions,
  | 'connectTimeout'
  | 'db'
  | 'disableClientInfo'
  | 'disconnectTimeout'
  | 'keepAlive'
  | 'maxRetriesPerRequest'
  | 'password'
  | 'reconnectOnError'
  | 'socketTimeout'
  | 'tls'
  | 'username'
>

export interface Place {
  /** One address, or the addresses of some nodes of a cluster. */
  nodes: URL[]
  cluster: boolean
}

const DEFAULT_PORT = 6379

/**
 * Reads where Redis is: `redis://` or `rediss://` (TLS), several for a cluster, separated by commas.
 *
 * @throws TypeError on what is not such an address
 */
export function readPlace(url: string | undefined, cluster: readonly string[] | undefined): Place {
  const texts = (cluster ?? url?.split(',') ?? []).map((text) => text.trim()).filter((text) => text !== '')
  const nodes = texts.map((text) => {
    const node = URL.canParse(text) ? new URL(text) : undefined
    if (node?.protocol === 'redis:' || node?.protocol === 'rediss:') return node
    // Not repeated in the message: it may have a password in it.
    throw new TypeError('The address of Redis must look like redis://host:6379 or rediss://host:6379.')
  })
  if (nodes.length === 0) throw new TypeError('The address of Redis is missing.')
  return { nodes, cluster: cluster !== undefined || nodes.length > 1 }
}

function endpoint(node: URL): { host: string; port: number } {
  return { host: node.hostname.replace(/^\[|\]$/g, ''), port: Number(node.port || DEFAULT_PORT) }
}

function credentials(node: URL): Settings {
  const options: Settings = {}
  if (node.username) options.username = decodeURIComponent(node.username)
  if (node.password) options.password = decodeURIComponent(node.password)
  if (node.protocol === 'rediss:') options.tls = {}
  const db = Number(node.pathname.slice(1))
  if (db > 0) options.db = db
  return options
}

function backoff(attempt: number): number {
  // Not all instances at once, when Redis is back.
  return Math.min(20 * attempt, 250) * (0.5 + Math.random() / 2)
}

/** Told why a connection failed; undefined when there is one again. */
export type Trouble = (error: Error | undefined) => void

/**
 * The client for commands. `timeout` (ms) is how long one command may take in all. A connection that says nothing for
 * less than half of that is replaced and what was sent on it is sent again, because a black-holed one never closes by
 * itself: a timeout of commands alone would leave it in use for ever.
 */
export function commandClient(place: Place, timeout: number, trouble: Trouble): Client {
  const silence = Math.ceil(timeout * 0.4)
  return make(
    place,
    {
      connectTimeout: silence,
      socketTimeout: silence,
      maxRetriesPerRequest: 2,
      // A former primary: its name leads to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    },
    trouble,
    true,
  )
}

/** The client that waits for at most `block` ms in one command. Nothing is sent twice on it: its loop sees every loss. */
export function waitingClient(place: Place, timeout: number, block: number): Client {
  const silence = Math.ceil(timeout * 0.4)
  return make(
    place,
    {
      connectTimeout: silence,
      socketTimeout: block + timeout,
      maxRetriesPerRequest: 0,
      // A black-holed connection is left without waiting for its farewell.
      disconnectTimeout: 100,
    },
    () => {},
    false,
  )
}

function make({ nodes, cluster }: Place, options: Settings, trouble: Trouble, forCommands: boolean): Client {
  const first = nodes[0] as URL
  const common: Settings = { ...credentials(first), keepAlive: 30_000, disableClientInfo: true, ...options }
  const client = cluster
    ? new Cluster(nodes.map(endpoint), {
        lazyConnect: true,
        scripts,
        clusterRetryStrategy: backoff,
        slotsRefreshTimeout: options.connectTimeout ?? 1_000,
        slotsRefreshInterval: forCommands ? 5_000 : 0,
        // The loop of the waiting client must see that a connection was lost; a command is sent again.
        retryDelayOnFailover: forCommands ? 100 : 0,
        retryDelayOnClusterDown: forCommands ? 100 : 0,
        redisOptions: common,
      })
    : new Redis({
        ...endpoint(first),
        ...common,
        lazyConnect: true,
        scripts,
        retryStrategy: backoff,
      })
  // Whoever waits for a command is told; an event that nobody handles would end the process.
  client.on('error', trouble)
  client.on('ready', () => trouble(undefined))
  return client
}

/** Any failure of Redis, as what it means to the floors above; `trouble` says more than a command that ran out of time. */
export function unavailable(error: unknown, trouble?: Error): StoreUnavailable {
  if (error instanceof StoreUnavailable && !trouble) return error
  const cause = trouble ?? error
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreUnavailable(`Redis does not answer: ${reason}`, { cause })
}

/**
 * Failures that say nothing about Redis as a whole: the connection broke between the replies of one batch, or the slot
 * or the primary moved. The same command can go at once, on another connection.
 */
export function isInterruption(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'AbortError' ||
    error.message === 'Connection is closed.' ||
    /^(MOVED|ASK|TRYAGAIN|READONLY|UNBLOCKED)\b/.test(error.message)
  )
}
