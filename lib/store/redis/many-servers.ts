/** Options of the client for a cluster and for servers that Sentinels watch. */
import type { EventEmitter } from 'node:events'
import type { ClusterOptions } from 'ioredis'
import type { Redis } from './ioredis.ts'
import type { Node, Watched } from './place.ts'

/** The options of one connection. */
type Settings = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>

/** How many ms to wait before the given attempt to connect. */
type Backoff = (attempt: number) => number

const MISPLACED = {
  sentinel:
    'The server is a Sentinel. Write its address with the name of the primary that it watches: redis+sentinel://host/name.',
  socket:
    'The server at the socket is a node of a cluster. Give redisStore (REDIS_URL) its host: redis+cluster://host:port.',
}

/** The line for an address that leads to a server of another kind. */
export function misplacedServer(what: keyof typeof MISPLACED): string {
  return MISPLACED[what]
}

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
    // Each command reports a cluster that is down, and a question less is a round trip and a right of the user less.
    enableReadyCheck: false,
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

/**
 * Has ioredis ask a node of a cluster for the slots by RESP3, on a connection that `greet` gets first: by the older protocol the
 * question would wait for the reply to the greeting.
 */
export function askSlotsEarly(node: Redis, greet: (asking: Redis) => void): void {
  const { duplicate } = node
  const value = (override: object): Redis => {
    const asking: Redis = Reflect.apply(duplicate, node, [{ ...override, protocol: 3 }])
    greet(asking)
    return asking
  }
  Object.defineProperty(node, 'duplicate', { value })
}

interface SentinelParts {
  nodes: readonly Node[]
  watched: Watched
  backoff: Backoff
  options: Settings
}

/** A Sentinel that answers, and cannot help. */
const REFUSED = /^failed to connect to sentinel (\S+) because ((?:NOAUTH|WRONGPASS|NOPERM)\b.*)$/s
const UNKNOWN = /^connected to sentinel (\S+) successfully, but got an invalid reply/

/**
 * The options of a client for a server that Sentinels watch, and what makes its errors plain: the library reports only that no
 * Sentinel can be reached.
 */
export function sentinelParts({ nodes, watched, backoff, options }: SentinelParts) {
  const { name, username, password } = watched
  /** Why a Sentinel that answers cannot help: another attempt would find the same. */
  let refusal: string | undefined
  /** Why a connection to a Sentinel failed. */
  let failure: string | undefined
  return {
    options: {
      sentinels: [...nodes],
      name,
      ...(username !== undefined && { sentinelUsername: username }),
      ...(password !== undefined && { sentinelPassword: password }),
      ...(options.tls && { sentinelTLS: options.tls, enableTLSForSentinelMode: true }),
      // A Sentinel that is frozen must not stop the others from being asked.
      ...(options.connectTimeout !== undefined && { sentinelCommandTimeout: options.connectTimeout }),
      sentinelRetryStrategy: (attempt: number) => (refusal === undefined ? backoff(attempt) : null),
      // The address has all of them, and a question less is a round trip less.
      updateSentinels: false,
    },

    /** Call it before other listeners are there. */
    explain(client: EventEmitter): void {
      client.on('sentinelError', ({ message }: Error) => {
        const [, refusing, why] = REFUSED.exec(message) ?? []
        const [, unknowing] = UNKNOWN.exec(message) ?? []
        if (refusing !== undefined) {
          refusal = `${why} (the Sentinel ${refusing}: sentinelUsername and sentinelPassword of the address are for it)`
        } else if (unknowing !== undefined) {
          const quoted = JSON.stringify(name)
          refusal = `The Sentinel ${unknowing} watches no primary ${quoted}. Is that name, the path of the address, right?`
        }
      })
      client.on('error', (error: Error) => {
        if (!error.message.startsWith('All sentinels are unreachable')) return
        if (refusal !== undefined) error.message = refusal
        else if (failure !== undefined) error.message = `No Sentinel can be reached: ${failure}`
        refusal = undefined
        failure = undefined
      })
      // The library drops the errors of these connections.
      const connector: unknown = Reflect.get(client, 'connector')
      if (typeof connector !== 'object' || connector === null) return
      const connect: unknown = Reflect.get(connector, 'connectToSentinel')
      if (typeof connect !== 'function') return
      const value = (...given: unknown[]): EventEmitter => {
        const sentinel: EventEmitter = Reflect.apply(connect, connector, given)
        return sentinel.on('error', ({ message }: Error) => {
          failure = message
        })
      }
      Object.defineProperty(connector, 'connectToSentinel', { value })
    },
  }
}
