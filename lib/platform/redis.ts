/** What the settings say of Redis. */
import type { RedisStoreOptions } from '../store/redis/index.ts'
import { DEFAULT_PORT, readPlace } from '../store/redis/place.ts'
import { tlsWithoutNeed } from '../store/redis/secure.ts'
import { sourceOf } from '../store/redis/source.ts'

interface RedisSettings {
  redisUrl: string | undefined
  redisPrefix: string
  redisRenamedFrom: string | undefined
  redisBusSlots: number
  redisCa: string | undefined
  redisCert: string | undefined
  redisKey: string | undefined
  redisPassphrase: string | undefined
  redisServername: string | undefined
  redisInsecure: boolean
}

/** The options of the store. */
export function redisOptions(settings: RedisSettings): RedisStoreOptions {
  const { redisUrl: url, redisPrefix: prefix, redisRenamedFrom: renamedFrom, redisBusSlots: busSlots } = settings
  return { url, prefix, renamedFrom, busSlots, tls: tlsOf(settings) }
}

function tlsOf(settings: RedisSettings): RedisStoreOptions['tls'] {
  const { redisCa: ca, redisCert: cert, redisKey: key, redisPassphrase: passphrase } = settings
  const tls = {
    ca,
    cert,
    key,
    passphrase,
    servername: settings.redisServername,
    insecure: settings.redisInsecure || undefined,
  }
  return Object.values(tls).some((value) => value !== undefined) ? tls : undefined
}

/**
 * The hosts of the address, which is checked with its certificates. Undefined: there is no address.
 *
 * @throws TypeError with a line
 */
export function redisName(settings: RedisSettings): string | undefined {
  const { redisUrl } = settings
  const tls = tlsOf(settings)
  if (redisUrl === undefined) {
    if (tls !== undefined) throw new TypeError(tlsWithoutNeed(tls, 'REDIS_URL is not set'))
    return undefined
  }
  const { nodes, socket } = addressed(() => readPlace(redisUrl, undefined))
  if (tls !== undefined) sourceOf(redisOptions(settings))
  return socket ?? nodes.map(({ host, port }) => (port === DEFAULT_PORT ? host : `${host}:${port}`)).join(', ')
}

/** The result of `read`. Its failure gets the name of the variable. */
function addressed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new TypeError(`REDIS_URL: ${error instanceof Error ? error.message : String(error)}`)
  }
}
