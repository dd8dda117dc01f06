/** The environment variables of every platform, read and checked once, before anything starts. */
import { readKeyRing } from '../lib/base/sealing.ts'
import type { EndpointOptions } from '../lib/endpoint.ts'

export interface Settings {
  port: number
  host: string
  redisUrl: string | undefined
  /** Where Redis is, without its password. */
  redisName: string | undefined
  /** One line of JSON for each request. */
  log: boolean
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
  return {
    port: port(env),
    host,
    redisUrl,
    redisName: redisUrl === undefined ? undefined : redisNames(redisUrl),
    log: text(env, 'LOG') === undefined ? !local : flag(env, 'LOG'),
    endpoint: {
      allowedHosts: list(env, 'ALLOWED_HOSTS') ?? (local ? 'local' : undefined),
      allowedOrigins: list(env, 'ALLOWED_ORIGINS'),
      keys: keys(env),
      legacySse: flag(env, 'LEGACY_SSE'),
      session: {
        ...duration(env, 'SESSION_IDLE_SECONDS', 'idleLifetime'),
        ...duration(env, 'SESSION_MAX_SECONDS', 'maxLifetime'),
        ...duration(env, 'HEARTBEAT_SECONDS', 'heartbeat'),
        ...duration(env, 'LEASE_SECONDS', 'lease'),
        ...duration(env, 'DRAIN_SECONDS', 'drainTimeout'),
        ...duration(env, 'RESPONSE_LIMIT_SECONDS', 'responseLimit'),
        ...duration(env, 'POLL_WAIT_SECONDS', 'pollWait'),
        ...duration(env, 'POLL_RETRY_SECONDS', 'pollRetry'),
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

function duration<K extends string>(env: Environment, name: string, key: K): Partial<Record<K, number>> {
  const value = text(env, name)
  if (value === undefined) return {}
  const seconds = Number(value)
  if (!(seconds >= 0)) throw new BadSetting(`${name} must be a number of seconds, not "${value}".`)
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
