/** A client that the author has made: the store sends its commands through it and waits through a duplicate of it. */
import type { Client } from './client.ts'
import type { ReadyClient } from './given.ts'
import type { Source } from './source.ts'

/** Options of the author's client with which the store would lose or mix up what it keeps, each with its reason. */
const UNFIT: readonly (readonly [name: string, fits: (value: unknown) => boolean, cure: string])[] = [
  ['keyPrefix', (value) => !value, 'has keyPrefix. Give redisStore the option prefix in its place'],
  [
    'scaleReads',
    (value) => value === undefined || value === 'master',
    'reads from replicas (scaleReads), which are behind',
  ],
  ['readOnly', (value) => !value, 'is for a replica (readOnly)'],
  ['role', (value) => value === undefined || value === 'master', 'is for a replica (role)'],
  ['monitor', (value) => !value, 'is a monitor'],
  ['stringNumbers', (value) => !value, 'has stringNumbers, with which replies have another form'],
  ['replyMapping', (value) => value !== 'resp3', 'has replyMapping "resp3", with which replies have another form'],
]

/**
 * @param backoff how many ms to wait before the given attempt to connect
 * @param address that is given, too
 * @throws TypeError with one line
 */
export function readySource(given: ReadyClient, backoff: (attempt: number) => number, address: unknown): Source {
  if (address !== undefined)
    throw new TypeError('Redis has a client and an address (REDIS_URL, or the option url). Give one of them.')
  if (!isClient(given)) {
    throw new TypeError('The option client of redisStore must be a Redis or a Cluster of the package ioredis.')
  }
  const { isCluster } = given
  const options: Record<string, unknown> = { ...given.options }
  const ofNodes = typeof options.redisOptions === 'object' ? { ...options.redisOptions } : {}
  for (const [name, fits, what] of UNFIT) {
    if (![options, ofNodes].every((all: Record<string, unknown>) => fits(all[name]))) {
      throw new TypeError(`The client of redisStore ${what}.`)
    }
  }
  return {
    ready: true,
    cluster: isCluster,
    commandClient: () => given,
    waitingClient(timeout, block) {
      const common = { lazyConnect: true, enableOfflineQueue: true, enableAutoPipelining: false }
      const limits = {
        ...{ connectTimeout: Math.ceil(timeout * 0.4), socketTimeout: block + timeout, disconnectTimeout: 100 },
        // A limit of time for each command would end each wait.
        ...{ commandTimeout: undefined, blockingTimeout: undefined, maxRetriesPerRequest: 0 },
      }
      const once = {
        clusterRetryStrategy: backoff,
        slotsRefreshInterval: 0,
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
      }
      const changed = isCluster
        ? [[], { ...common, ...once, redisOptions: limits }]
        : [{ ...common, ...limits, retryStrategy: backoff }]
      const duplicate: Client = Reflect.apply(given.duplicate, given, changed)
      return duplicate
    },
    foundCluster: () =>
      'The client of redisStore is a Redis, and its server is a node of a cluster. Give redisStore a Cluster of ioredis.',
  }
}

/** Its class may be that of another copy of the package. */
function isClient(given: unknown): given is ReadyClient & Client {
  if (typeof given !== 'object' || given === null) return false
  const has = (name: keyof ReadyClient) => typeof Reflect.get(given, name) === 'function'
  return 'isCluster' in given && typeof given.isCluster === 'boolean' && has('duplicate') && has('defineCommand')
}
