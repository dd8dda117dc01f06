/** Makes clients of Redis: its address and the limits of time. */

import { jitter } from '../../base/ids.ts'
import { Cluster, type ClusterOptions, Redis } from './ioredis.ts'
import type { Place } from './place.ts'
import { isReadonly, WRONG_DATABASE } from './trouble.ts'

export type Client = Redis | Cluster

/** The options of ioredis for one connection, alone or to a node of a cluster. */
type Settings = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>

const DEFAULT_PORT = 6379

function endpoint(node: URL): { host: string; port: number } {
  return { host: node.hostname.replace(/^\[|\]$/g, ''), port: Number(node.port || DEFAULT_PORT) }
}

function credentials({ username, password, tls, db }: Place): Settings {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    ...(db > 0 && { db }),
  }
}

function backoff(attempt: number): number {
  return jitter(Math.min(20 * attempt, 250))
}

/** Receives the reason why a connection failed, and undefined when there is one again. */
type Trouble = (error: Error | undefined) => void

/**
 * The client for commands. `timeout` (ms) is how long one command may take in all. A connection that is silent for 40 %
 * of that is replaced, and its commands are sent again: a connection whose packets are dropped never closes by itself, so
 * a timeout of commands alone would leave it in use for ever.
 */
export function commandClient(place: Place, timeout: number, trouble: Trouble): Client {
  const silence = Math.ceil(timeout * 0.4)
  return make(place, trouble, 100, {
    connectTimeout: silence,
    socketTimeout: silence,
    maxRetriesPerRequest: 2,
    reconnectOnError: isReadonly,
  })
}

/** The client that waits for at most `block` ms in one command. It sends nothing twice: {@link Waiting} must see each loss. */
export function waitingClient(place: Place, timeout: number, block: number): Client {
  return make(place, () => {}, 0, {
    connectTimeout: Math.ceil(timeout * 0.4),
    socketTimeout: block + timeout,
    maxRetriesPerRequest: 0,
    // Do not wait for the end of a connection whose packets are dropped.
    disconnectTimeout: 100,
  })
}

/** `retryDelay` (ms): how long a command waits before a cluster gets it again; 0 where it is not sent again. */
function make(place: Place, trouble: Trouble, retryDelay: number, options: Settings): Client {
  const { nodes, cluster } = place
  const first = nodes[0] as URL
  const common: Settings = { ...credentials(place), keepAlive: 30_000, disableClientInfo: true, ...options }
  const client = cluster
    ? new Cluster(nodes.map(endpoint), {
        lazyConnect: true,
        clusterRetryStrategy: backoff,
        slotsRefreshTimeout: options.connectTimeout ?? 1_000,
        slotsRefreshInterval: retryDelay > 0 ? 5_000 : 0,
        // The loop of the waiting client must see each lost connection; other commands are sent again.
        retryDelayOnFailover: retryDelay,
        retryDelayOnClusterDown: retryDelay,
        redisOptions: common,
      })
    : new Redis({
        ...(place.socket === undefined ? endpoint(first) : { path: place.socket }),
        ...common,
        lazyConnect: true,
        retryStrategy: backoff,
      })
  // Each command rejects by itself; an `error` event without a listener would end the process.
  let usable = true
  client.on('connect', () => {
    usable = true
  })
  client.on('error', (error) => {
    trouble(error)
    // The library would go on with database 0.
    if (!WRONG_DATABASE.test(error.message)) return
    usable = false
    client.disconnect(true)
  })
  client.on('ready', () => {
    if (usable) trouble(undefined)
  })
  return client
}
