/** What a failure of Redis means. */
import { StoreRefused, type StoreTrouble, StoreUnavailable } from '../unavailable.ts'
import { ReplyError } from './ioredis.ts'

/**
 * The first word of an error of Redis. Redis 6.2 puts the error of a command in a script at the end of its own:
 * `ERR Error running script (call to f_…): @user_script:3: -OOM command not allowed`.
 */
const WORD = /^(?:ERR Error running script.*? -)?([A-Z]+)\b/

const WORDS: Readonly<Record<string, StoreTrouble>> = {
  OOM: 'full',
  LOADING: 'loading',
  READONLY: 'readonly',
  MISCONF: 'readonly',
  NOREPLICAS: 'readonly',
  MASTERDOWN: 'readonly',
  NOAUTH: 'denied',
  WRONGPASS: 'denied',
  NOPERM: 'denied',
  MOVED: 'moved',
  ASK: 'moved',
  TRYAGAIN: 'moved',
  CROSSSLOT: 'moved',
  CLUSTERDOWN: 'moved',
}

function wordOf({ message }: Error): string {
  return WORD.exec(message)?.[1] ?? ''
}

function troubleOf(error: Error): StoreTrouble {
  if (/^ERR .*unknown (redis )?command/i.test(error.message)) return 'outdated'
  return WORDS[wordOf(error)] ?? 'away'
}

/**
 * Redis has answered, with an error. A bundle may have a second copy of the client for clusters, and a minifier may have
 * changed the name of the class.
 */
export function isReply(error: unknown): error is Error {
  return error instanceof ReplyError || (error instanceof Error && error.name === 'ReplyError')
}

/** How the client ends a command whose connection is gone. */
const CLOSED = /^(?:Command aborted due to connection close|Cluster is ended\.|Connection is closed\.)$/

/** The connection leads to a former primary; the host name may lead to the new one. */
export function isReadonly(error: Error): boolean {
  return wordOf(error) === 'READONLY'
}

/** The server is up, and has not read its data yet. */
export function isLoading(error: unknown): boolean {
  return error instanceof Error && wordOf(error) === 'LOADING'
}

/** The key is on another node of a cluster. */
export function isMoved(error: unknown): boolean {
  return error instanceof Error && wordOf(error) === 'MOVED'
}

/** Sentinels that answer watch no primary of the name in the address. */
const UNWATCHED = /^The Sentinel \S+ watches no primary/

/** The user may not run this command. It may run others. */
export function isForbidden(error: unknown, command: string): boolean {
  const cause = error instanceof StoreUnavailable ? error.cause : error
  return cause instanceof Error && wordOf(cause) === 'NOPERM' && cause.message.includes(`'${command}`)
}

/** Redis has no database of this number. */
export const WRONG_DATABASE = /^ERR (?:DB index|invalid DB index|SELECT\b)/

/**
 * Any failure of Redis as a {@link StoreUnavailable}. `trouble`, the reason why there is no connection, is a better reason
 * than the timeout of a command, but not than a reply.
 */
export function unavailable(error: unknown, trouble?: Error): StoreUnavailable {
  if (error instanceof StoreRefused || (error instanceof StoreUnavailable && !trouble)) return error
  const replied = isReply(error)
  const cause = rootOf(replied ? error : (trouble ?? error))
  if (!(cause instanceof Error)) return new StoreUnavailable(`Redis does not answer: ${String(cause)}`, { cause })
  const kind = troubleOf(cause)
  if (UNWATCHED.test(cause.message)) return new StoreRefused(cause.message, { cause })
  if (kind === 'denied' || WRONG_DATABASE.test(cause.message)) {
    return new StoreRefused(`Redis refuses the user, password or database of its address: ${cause.message}`, { cause })
  }
  const what = kind === 'away' && !replied ? 'Redis does not answer' : 'Redis refuses'
  return new StoreUnavailable(`${what}: ${cause.message}`, { cause, trouble: kind })
}

/** A cluster reports that no node can be reached, and has the reason of the last one beside it. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && 'lastNodeError' in error ? (error.lastNodeError ?? error) : error
}

/**
 * True for failures that do not mean that Redis is down: the connection broke between the replies of one batch, or the
 * slot or the primary moved. The same command can be sent at once, on another connection.
 */
export function isInterruption(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return CLOSED.test(error.message) || /^(MOVED|ASK|TRYAGAIN|READONLY|UNBLOCKED)$/.test(wordOf(error))
}
