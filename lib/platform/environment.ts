/** The environment variables of every platform: read and checked once, before anything starts. */

import type { AuthOptions } from '../auth/options.ts'
import { readKeyRing } from '../base/sealing.ts'
import type { Group, Rate, Setting, Values } from '../base/setting.ts'
import type { EndpointOptions } from '../endpoint.ts'
import { checkPaths } from '../http/paths.ts'
import { boundsOf } from '../options.ts'
import { defaultsOf, SETTINGS } from '../settings.ts'
import { PREFIX_FORM, readPrefix } from '../store/redis/place.ts'
import { readAuth } from './auth-settings.ts'
import { misspelled } from './misspelled.ts'
import { rareText } from './rare-texts.ts'
import { redisName } from './redis.ts'
import { readWebAccess } from './web-access.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Settings extends Omit<Values<typeof SETTINGS.platform>, 'log' | 'page'> {
  /** Writes a line for each request. Undefined: on a terminal. */
  log: boolean | undefined
  /** Serves the page for people. */
  page: boolean
  /** Where Redis is, without its password. */
  redisName: string | undefined
  /** Where other machines can call and nobody is asked for a token: the line that says so, which is a warning, too. */
  openWarning: string | undefined
  /** One line for each setting that works but is probably a mistake. */
  warnings: string[]
  endpoint: EndpointOptions & { auth?: AuthOptions | undefined }
}

/** A variable has a value that cannot be used. Exported for tests. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])

/**
 * Reads the settings. Exported for tests.
 * @throws BadSetting with one line that names the variable and says what it may be.
 */
export function parseEnvironment(env: Environment): Settings {
  const platform = { ...defaultsOf(SETTINGS.platform), ...readGroup(env, SETTINGS.platform) }
  const endpoint = { ...defaultsOf(SETTINGS.endpoint), ...readGroup(env, SETTINGS.endpoint) }
  const { host, redisUrl, redisPrefix } = platform
  const local = LOOPBACK.has(host)
  const auth = authorization(env)
  const open = !local && auth === undefined
  checked(() => checkPaths(endpoint), 'MCP_PATH, MCP_PREFIX')
  const { allowedHosts, allowedOrigins } = fitting(() => readWebAccess(endpoint, local, auth !== undefined))
  if (endpoint.unsealed !== 'refuse' && endpoint.keys === undefined) {
    throw new BadSetting(rareText('nothingToSealWith'))
  }
  if (endpoint.replay !== 'never' && (env.NODE_ENV === 'production' || env.AWS_LAMBDA_FUNCTION_NAME !== undefined)) {
    throw new BadSetting(rareText('replay'))
  }
  const session = readGroup(env, SETTINGS.session)
  const { shutdown, drainTimeout } = shutdownOf(env, platform, session.drainTimeout)
  try {
    readPrefix(redisPrefix)
  } catch {
    throw new BadSetting(`REDIS_PREFIX must be ${PREFIX_FORM}, not "${redisPrefix}".`)
  }
  return {
    ...platform,
    shutdown,
    redisName: fitting(() => redisName(platform)),
    log: platform.log ?? (local ? undefined : true),
    openWarning: open ? NO_AUTHORIZATION : undefined,
    page: platform.page ?? local,
    warnings: [
      ...misspelled(env),
      ...(open ? [NO_AUTHORIZATION] : []),
      ...(local && !auth && allowedOrigins === '*' ? [rareText('everyPage')] : []),
      ...(platform.page && !allowedHosts && !allowedOrigins ? [rareText('pageRefused')] : []),
      ...(platform.redisInsecure ? [rareText('anyCertificate')] : []),
      // With Redis there will be several instances, and each of them would have its own random key.
      ...(redisUrl !== undefined && endpoint.keys === undefined ? [rareText('noKeys')] : []),
    ],
    endpoint: {
      ...endpoint,
      auth,
      allowedHosts,
      allowedOrigins,
      http: readGroup(env, SETTINGS.http),
      session: { ...session, drainTimeout },
      stateless: readGroup(env, SETTINGS.stateless),
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

/** What the end of a process takes beside the lame duck and the drain, in ms. */
export const ENDING = 1_000

/**
 * The whole time from SIGTERM to the end, and the part of it that the drain has, in ms. Where the whole is not set, it is as
 * long as its parts need.
 *
 * @param drain the part of the drain, where it is set
 */
function shutdownOf(env: Environment, { shutdown, lameDuck }: Pick<Settings, 'shutdown' | 'lameDuck'>, drain?: number) {
  const needed = lameDuck + (drain ?? 0) + ENDING
  const isSet = textOf(env, 'SHUTDOWN_SECONDS') !== undefined
  if (isSet && needed > shutdown) {
    throw new BadSetting(rareText('shutdownTooShort').replace('%', String(needed / 1_000)))
  }
  const whole = Math.max(shutdown, needed)
  return { shutdown: whole, drainTimeout: drain ?? whole - lameDuck - ENDING }
}

const NO_AUTHORIZATION =
  'Nobody is asked for a token: every client that reaches this address can use every tool. Set AUTH_ISSUER and ' +
  'AUTH_AUDIENCE, or put a gateway in front that lets in only authorized clients.'

/** The result of `read`. Its failure, whose line names the variable, stops the start. */
function fitting<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new BadSetting(error instanceof Error ? error.message : String(error))
  }
}

/** OAuth, from the variables of the common case: one authorization server and its JWTs, or introspection. */
function authorization(env: Environment): AuthOptions | undefined {
  const { issuer, ...given } = readGroup(env, SETTINGS.auth)
  if (issuer === undefined) {
    const stray = Object.keys(env).find((name) => name.startsWith('AUTH_') && textOf(env, name) !== undefined)
    if (stray !== undefined) throw new BadSetting(`${stray} is set, and AUTH_ISSUER is not.`)
    return undefined
  }
  const auth = readAuth({ ...given, issuer }, readGroup(env, SETTINGS['auth.introspection']))
  if (typeof auth === 'string') throw new BadSetting(auth)
  return auth
}

/** The result of `read`. Its failure becomes the line that stops the start, with the name of the variable before it. */
function checked<T>(read: () => T, variable: string): T {
  try {
    return read()
  } catch (error) {
    throw new BadSetting(`${variable}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The options of `group` whose variables are set. @throws BadSetting */
export function readGroup<G extends Group>(env: Environment, group: G): Partial<Values<G>> {
  const values: Record<string, unknown> = {}
  for (const [option, setting] of Object.entries(group)) {
    const text = setting.variable && textOf(env, setting.variable)
    if (!text) continue
    const kind = kindOf(setting)
    try {
      values[option] = kind.parse(text, setting)
    } catch {
      const seen = setting.kind === 'keys' ? '' : `, not "${text}"`
      throw new BadSetting(`${setting.variable} must be ${kind.mayBe(setting)}${seen}.`)
    }
  }
  return values as Partial<Values<G>>
}

function textOf(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined
}

interface Kind<S> {
  /** The values that the variable may have, as the end of a sentence. */
  mayBe(setting: S): string
  /** @throws Error where `text` is something else */
  parse(text: string, setting: S): unknown
}

const FLAGS = new Map(Object.entries({ 1: true, true: true, 0: false, false: false }))

const KINDS: { [K in Setting['kind']]: Kind<Extract<Setting, { kind: K }>> } = {
  duration: {
    mayBe: (setting) => `a number of seconds ${range(setting)}`,
    parse: (text, setting) =>
      within(/^\d{1,12}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN, setting) * 1_000,
  },
  count: {
    mayBe: (setting) => `a whole number ${range(setting)}`,
    parse: (text, setting) => within(/^\d{1,9}$/.test(text) ? Number(text) : Number.NaN, setting),
  },
  flag: { mayBe: () => '1 or 0', parse: (text) => FLAGS.get(text) ?? refuse() },
  choice: {
    mayBe: ({ values }) => `one of ${values.join(', ')}`,
    parse: (text, { values }) => values.find((value) => value === text) ?? refuse(),
  },
  rate: {
    mayBe: () => rareText('mayBeRate'),
    parse: (text) => (text === 'off' ? undefined : rateOf(text)),
  },
  keys: {
    mayBe: () => rareText('mayBeKeys'),
    parse: readKeyRing,
  },
  list: { mayBe: () => 'a list with commas, without empty items', parse: listOf },
  text: { mayBe: () => 'a text', parse: (text) => text },
}

/** The functions of a setting's kind. */
export function kindOf({ kind }: Setting): Kind<Setting> {
  return KINDS[kind]
}

function range(setting: Setting): string {
  const { from, to } = boundsOf(setting)
  return `from ${from} to ${to}`
}

function within(number: number, setting: Setting): number {
  const { from, to } = boundsOf(setting)
  return number >= from && number <= to ? number : refuse()
}

function rateOf(text: string): Rate {
  const [, perSecond, burst] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text) ?? []
  const rate = { perSecond: Number(perSecond), burst: Number(burst ?? Math.max(1, 5 * Number(perSecond))) }
  const usable = rate.perSecond > 0 && rate.burst >= 1 && rate.perSecond < 1e9 && rate.burst < 1e9
  return usable ? rate : refuse()
}

function listOf(text: string): string[] {
  const items = text.split(',').map((item) => item.trim())
  return items.includes('') ? refuse() : items
}

function refuse(): never {
  throw new RangeError()
}
