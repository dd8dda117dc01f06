/** The environment variables of every platform, read and checked once, before anything starts. */

import type { AuthOptions } from '../auth/options.ts'
import { checkAuthOptions } from '../auth/options.ts'
import { readKeyRing } from '../base/sealing.ts'
import type { EndpointOptions } from '../endpoint.ts'
import type { Rate } from '../http/rate-limit.ts'

export interface Settings {
  port: number
  host: string
  redisUrl: string | undefined
  /** Where Redis is, without its password. */
  redisName: string | undefined
  /** One line of JSON for each request. */
  log: boolean
  /** How long a request may take to arrive, in ms. */
  requestTimeout: number
  /** What whoever starts it should know before anybody else does. */
  warnings: string[]
  endpoint: EndpointOptions
}

type Environment = Record<string, string | undefined>

/** A variable has a value that cannot be used. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])

/**
 * Reads the settings.
 * @throws BadSetting with one line that names the variable and says what it may be.
 */
export function parseEnvironment(env: Environment): Settings {
  const host = text(env, 'HOST') ?? '127.0.0.1'
  const redisUrl = text(env, 'REDIS_URL')
  const local = LOOPBACK.has(host)
  const auth = authorization(env)
  return {
    port: port(env),
    host,
    redisUrl,
    redisName: redisUrl === undefined ? undefined : redisNames(redisUrl),
    log: text(env, 'LOG') === undefined ? !local : flag(env, 'LOG'),
    requestTimeout: duration(env, 'REQUEST_SECONDS', 'requestTimeout', MOMENT).requestTimeout ?? 60_000,
    warnings: [
      ...(local || auth ? [] : [UNGUARDED]),
      // With Redis there are other instances, sooner or later, and each would have a random key of its own.
      ...(redisUrl !== undefined && text(env, 'MCP_SECRET') === undefined ? [KEYLESS] : []),
    ],
    endpoint: {
      auth,
      allowedHosts: list(env, 'ALLOWED_HOSTS') ?? (local ? 'local' : undefined),
      allowedOrigins: list(env, 'ALLOWED_ORIGINS'),
      keys: keys(env),
      legacySse: flag(env, 'LEGACY_SSE'),
      unsealed: choice(env, 'MCP_UNSEALED', ['refuse', 'read', 'write'] as const, 'unsealed').unsealed,
      http: {
        ...count(env, 'MAX_BODY_BYTES', 'maxBytes', 1),
        ...count(env, 'TRUSTED_PROXIES', 'proxies'),
        ...rate(env, 'RATE_PER_PRINCIPAL', 'principalRate'),
        ...rate(env, 'RATE_PER_ADDRESS', 'addressRate'),
      },
      session: {
        ...duration(env, 'SESSION_IDLE_SECONDS', 'idleLifetime', LIFETIME),
        ...duration(env, 'SESSION_MAX_SECONDS', 'maxLifetime', LIFETIME),
        ...duration(env, 'HEARTBEAT_SECONDS', 'heartbeat'),
        ...duration(env, 'LEASE_SECONDS', 'lease', MOMENT),
        ...duration(env, 'DRAIN_SECONDS', 'drainTimeout'),
        ...duration(env, 'RESPONSE_LIMIT_SECONDS', 'responseLimit'),
        ...duration(env, 'POLL_WAIT_SECONDS', 'pollWait'),
        ...duration(env, 'POLL_RETRY_SECONDS', 'pollRetry'),
        ...count(env, 'MAX_CALLS', 'maxCalls', 1),
        ...count(env, 'MAX_CALLS_PER_PRINCIPAL', 'maxCallsPerPrincipal', 1),
        ...count(env, 'MAX_SESSIONS_PER_PRINCIPAL', 'maxSessions', 1),
        ...count(env, 'MAX_STREAMS', 'maxStreams', 1),
        ...choice(env, 'GET_POLICY', ['hold', 'poll', 'off'] as const, 'getPolicy'),
      },
    },
  }
}

/** {@link parseEnvironment} for a process: a bad value stops the start with its one line. */
export function readEnvironment(env: Environment): Settings {
  try {
    return parseEnvironment(env)
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

const UNGUARDED =
  'Nobody is asked for a token: whoever reaches this address can use every tool. Set AUTH_ISSUER and AUTH_AUDIENCE, or ' +
  'see to it that a gateway lets in only those who may.'

const KEYLESS =
  'MCP_SECRET is not set, so each instance seals with a random key of its own: a stateless client whose call asks ' +
  'something must come back to the same instance. Set the same key everywhere: openssl rand -base64 32'

/** OAuth, from the variables of the common case: one authorization server and its JWTs, or introspection. */
function authorization(env: Environment): AuthOptions | undefined {
  const issuer = list(env, 'AUTH_ISSUER')
  if (issuer === undefined) {
    const stray = Object.keys(env).find((name) => name.startsWith('AUTH_') && text(env, name) !== undefined)
    if (stray !== undefined) throw new BadSetting(`${stray} is set, and AUTH_ISSUER is not.`)
    return undefined
  }
  const [resource = '', ...audiences] = list(env, 'AUTH_AUDIENCE') ?? []
  if (resource === '')
    throw new BadSetting('AUTH_AUDIENCE must be the public URL of the endpoint, such as https://mcp.example.com/mcp.')
  const auth: AuthOptions = {
    issuer,
    resource,
    audiences,
    jwks: text(env, 'AUTH_JWKS'),
    algorithms: list(env, 'AUTH_ALGORITHMS'),
    scopes: list(env, 'AUTH_SCOPES'),
    tenantClaim: text(env, 'AUTH_TENANT_CLAIM'),
    introspection: introspection(env),
    insecureHttp: flag(env, 'AUTH_INSECURE_HTTP'),
  }
  try {
    checkAuthOptions(auth)
  } catch (error) {
    throw new BadSetting(`AUTH_*: ${error instanceof Error ? error.message.replace(/^auth: /, '') : String(error)}`)
  }
  return auth
}

function introspection(env: Environment): AuthOptions['introspection'] {
  const url = text(env, 'AUTH_INTROSPECTION_URL')
  if (url === undefined) return undefined
  const clientId = text(env, 'AUTH_INTROSPECTION_CLIENT_ID')
  const clientSecret = text(env, 'AUTH_INTROSPECTION_CLIENT_SECRET')
  if (clientId === undefined || clientSecret === undefined) {
    throw new BadSetting(
      'AUTH_INTROSPECTION_URL needs AUTH_INTROSPECTION_CLIENT_ID and AUTH_INTROSPECTION_CLIENT_SECRET.',
    )
  }
  return { url, clientId, clientSecret }
}

function count<K extends string>(env: Environment, name: string, key: K, least = 0): Partial<Record<K, number>> {
  const value = text(env, name)
  if (value === undefined) return {}
  if (!/^\d{1,9}$/.test(value) || Number(value) < least) {
    throw new BadSetting(`${name} must be a whole number from ${least}, not "${value}".`)
  }
  return { [key]: Number(value) } as Record<K, number>
}

/** `50` a second, or `50/200`: and 200 at once. `off`: no limit. */
function rate<K extends string>(env: Environment, name: string, key: K): Partial<Record<K, Rate | undefined>> {
  const value = text(env, name)
  if (value === undefined) return {}
  if (value === 'off') return { [key]: undefined } as Record<K, undefined>
  const [, perSecond, burst] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(value) ?? []
  const given = { perSecond: Number(perSecond), burst: Number(burst ?? Math.max(1, 5 * Number(perSecond))) }
  if (!(given.perSecond > 0) || !(given.burst >= 1)) {
    throw new BadSetting(`${name} must be requests a second, such as 50 or 50/200 (and 200 at once), not "${value}".`)
  }
  return { [key]: given } as Record<K, Rate>
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

function port(env: Environment): number {
  const value = text(env, 'PORT') ?? '3000'
  const number = Number(value)
  if (!/^\d+$/.test(value) || number > 65_535)
    throw new BadSetting(`PORT must be a port from 0 to 65535, not "${value}".`)
  return number
}

function redisNames(urls: string): string {
  return urls
    .split(',')
    .map((url) => {
      if (!URL.canParse(url.trim()) || !/^rediss?:$/.test(new URL(url.trim()).protocol)) {
        throw new BadSetting('REDIS_URL must be redis://host:port or rediss://host:port, several with commas.')
      }
      return new URL(url.trim()).host
    })
    .join(', ')
}

function list(env: Environment, name: string): string[] | undefined {
  return text(env, name)
    ?.split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function keys(env: Environment): Uint8Array[] | undefined {
  const value = text(env, 'MCP_SECRET')
  if (value === undefined) return undefined
  try {
    return readKeyRing(value)
  } catch (error) {
    throw new BadSetting(`MCP_SECRET: ${error instanceof Error ? error.message : String(error)}.`)
  }
}

function flag(env: Environment, name: string): boolean {
  const value = text(env, name)
  if (value === undefined || value === '0' || value === 'false') return false
  if (value === '1' || value === 'true') return true
  throw new BadSetting(`${name} must be 1 or 0, not "${value}".`)
}

/** In seconds. A timer runs for 24 days at most. */
interface Range {
  least: number
  most: number
}
const ANY: Range = { least: 0, most: 2_000_000 }
/** What must not be nothing. */
const MOMENT: Range = { ...ANY, least: 0.1 }
/** Redis counts it, for ten years at most. */
const LIFETIME: Range = { least: 1, most: 10 * 365 * 86_400 }

function duration<K extends string>(env: Environment, name: string, key: K, range = ANY): Partial<Record<K, number>> {
  const value = text(env, name)
  if (value === undefined) return {}
  const seconds = Number(value)
  if (!(seconds >= range.least && seconds <= range.most)) {
    throw new BadSetting(`${name} must be a number of seconds from ${range.least} to ${range.most}, not "${value}".`)
  }
  return { [key]: seconds * 1_000 } as Record<K, number>
}

function choice<K extends string, V extends string>(
  env: Environment,
  name: string,
  values: readonly V[],
  key: K,
): Partial<Record<K, V>> {
  const value = text(env, name)
  if (value === undefined) return {}
  const chosen = values.find((candidate) => candidate === value)
  if (chosen === undefined) throw new BadSetting(`${name} must be one of ${values.join(', ')}, not "${value}".`)
  return { [key]: chosen } as Record<K, V>
}
