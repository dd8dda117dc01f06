/** Options of the client for a cluster and for servers that Sentinels watch. */
import type { EventEmitter } from 'node:events'
import type { ClusterOptions } from 'ioredis'
import type { Node, Watched } from './place.ts'

/** The options of one connection. */
type Settings = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>

/** How many ms to wait before the given attempt to connect. */
type Backoff = (attempt: number) => number

interface ClusterParts {
  backoff: Backoff
  /** How long a command waits before it is sent again, in ms; 0: it is not sent again. */
  retryDelay: number
  /** Of each connection. */
  redisOptions: Settings
}

export function clusterOptions({ backoff, retryDelay, redisOptions }: ClusterParts) {
  return {
    lazyConnect: true,
    clusterRetryStrategy: backoff,
    slotsRefreshTimeout: redisOptions.connectTimeout ?? 1_000,
    slotsRefreshInterval: retryDelay > 0 ? 5_000 : 0,
    // The loop of the waiting client must see each lost connection; other commands are sent again.
    retryDelayOnFailover: retryDelay,
    retryDelayOnClusterDown: retryDelay,
    // The library would look the names up first and check certificates for the IP addresses.
    dnsLookup: (name: string, found: (error: null, address: string) => void) => found(null, name),
    redisOptions,
  }
}

interface SentinelParts {
  nodes: readonly Node[]
  watched: Watched
  backoff: Backoff
  options: Settings
}

export function sentinelOptions({ nodes, watched, backoff, options }: SentinelParts) {
  const { name, username, password } = watched
  return {
    sentinels: [...nodes],
    name,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(options.tls && { sentinelTLS: options.tls, enableTLSForSentinelMode: true }),
    // A Sentinel that is frozen must not stop the others from being asked.
    ...(options.connectTimeout !== undefined && { sentinelCommandTimeout: options.connectTimeout }),
    sentinelRetryStrategy: backoff,
    // The address has all of them, and a question less is a round trip less.
    updateSentinels: false,
  }
}

/** A Sentinel that answers, and cannot help. */
const REFUSED = /^failed to connect to sentinel (\S+) because ((?:NOAUTH|WRONGPASS|NOPERM)\b.*)$/s
const UNKNOWN = /^connected to sentinel (\S+) successfully, but got an invalid reply/

/**
 * Gives the errors of `client` the reason that a Sentinel had: the library itself reports only that no Sentinel can be reached.
 * Call it before other listeners are there.
 */
export function explainSentinels(client: EventEmitter, name: string): void {
  let reason: string | undefined
  client.on('sentinelError', ({ message }: Error) => {
    const [, refusing, why] = REFUSED.exec(message) ?? []
    const [, unknowing] = UNKNOWN.exec(message) ?? []
    if (refusing !== undefined) {
      reason = `${why} (the Sentinel ${refusing}; sentinelUsername and sentinelPassword of the address are for it)`
    } else if (unknowing !== undefined) {
      reason = `The Sentinel ${unknowing} watches no primary ${JSON.stringify(name)}. Is that name, the path of the address, right?`
    }
  })
  client.on('error', (error: Error) => {
    if (reason !== undefined && error.message.startsWith('All sentinels are unreachable')) error.message = reason
    reason = undefined
  })
}
