/** The history of a run: all that clients, tools and faults did. The checker reads nothing else. Times are ms of the timeline. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FaultKind } from './faults.ts'
import type { Task } from './task-history.ts'

export type Tool =
  | 'short'
  | 'quiet'
  | 'effect'
  | 'steps'
  | 'steps_again'
  | 'ask'
  | 'ask_again'
  | 'stubborn'
  | 'paused'
  | 'once'
  | 'durable'
  | 'announce'

/** A durable call has so many effects within `ctx.once`, numbered from 1, and one with `single`, whose number is 0. */
export const ONCE_EFFECTS = 3
export const SINGLE = 0

/** A fault, from its begin to its end. */
export interface Fault {
  kind: FaultKind
  /** The process that it hits, such as `1.2` (the second process in place 1); `store` or all processes: ''. */
  process: string
  from: number
  /** Undefined: it lasts. */
  to?: number
  /** A failover: what was written in this time may be lost. */
  lost?: { from: number; to: number }
  /** A wall clock: how far it is off, in ms. */
  shift?: number
}

/** What a client received before the response of a call. */
export type Received =
  | { at: number; kind: 'progress'; n: number; run?: string }
  /** A log message: the `n`th of its run, which sent it at `sent`. */
  | { at: number; kind: 'log'; n: number; run: string; sent: number }
  /** The endpoint said that messages were missed. */
  | { at: number; kind: 'missed' }
  /** The `n`th ask of a run, or of a durable call: '', as every run asks the same. */
  | { at: number; kind: 'ask'; n: number; run: string; ask: string }

export interface Answer {
  ask: string
  value: string
  sent: number
  /** When 202 arrived. */
  acknowledged?: number
}

/**
 * How a call ended for its client.
 *
 * - result, error: there was a response
 * - refused: an HTTP status instead
 * - broken: the connection broke before anything could be resumed
 * - ended: the stream ended, and resuming gives no response (405)
 * - gone: the session is gone (404)
 * - given up: it was cancelled, and nothing says whether it has ended
 * - hung: none of these in all the time that it had
 */
export type OutcomeKind = 'result' | 'error' | 'refused' | 'broken' | 'ended' | 'gone' | 'given up' | 'hung'

export interface Outcome {
  kind: OutcomeKind
  at: number
  status?: number
  code?: number
  text?: string
  /** The run that a result names. */
  run?: string
}

export interface Call {
  call: string
  /** '' for a call of the stateless revision. */
  session: string
  revision: string
  tool: Tool
  sent: number
  /** Progress and log messages that a whole run sends. */
  steps: number
  /** Asks of a whole run. */
  asks: number
  batch?: true
  /** The client drops connections of this call, to resume it. */
  drops?: true
  received: Received[]
  /** Every response, also further ones. */
  outcomes: Outcome[]
  /** `resumable`: an event id of the call had arrived before, so that the store had the call. */
  cancel?: { sent: number; acknowledged?: number; resumable: boolean }
  answers: Answer[]
  resumes: number
  /** When the client sent rounds without a session whose replies it did not get, and which it sent again. */
  again?: number[]
  uri?: string
}

export interface Session {
  session: string
  revision: string
  /** The key of the session in the store. */
  key: string
  sent: number
  opened: number
  /** When the last request was sent that the endpoint served for the session. */
  used: number
  /** DELETE, or the end of the stream of HTTP+SSE. */
  deletion?: { sent: number; acknowledged?: number; status?: number }
  /** A 404, and when its request was sent. */
  lost?: { at: number; sent: number; what: string }
  subscriptions: { uri: string; acknowledged: number }[]
  updates: { uri: string; at: number }[]
  /** The endpoint said that messages of the session's stream were missed. */
  missed: number
  /** Messages that belong to no call of the session, or name another. */
  foreign: { at: number; text: string }[]
  /** Statuses that no rule allows. */
  odd: { at: number; what: string; status: number; text: string }[]
  /** The session was in use when the run came to rest. */
  restful?: true
  /** A client holds the session's own stream. */
  listens?: true
  /**
   * When that stream last broke before it had brought an event id: what was on its way is lost, since the client cannot say what it
   * has. Revisions before 2025-11-25 have no event with an id alone.
   */
  unread?: number
}

/** A line that a tool wrote. It stays where the process is killed. */
export interface Entry {
  /**
   * effect: of a durable tool, within `ctx.once`; kept: that `ctx.once` has returned. suspended: the run ended because its call
   * was suspended.
   */
  e:
    | 'begin'
    | 'effect'
    | 'kept'
    | 'asked'
    | 'answered'
    | 'announced'
    | 'suspended'
    | 'end'
    | 'abort'
    | 'stall'
    | 'failed'
  at: number
  process: string
  call?: string
  session?: string
  run?: string
  tool?: string
  n?: number
  value?: string
  uri?: string
  /** stall: how long the process stood still, in ms. */
  ms?: number
  text?: string
}

/** What is left when all faults are over, all calls have ended, and then all sessions. */
export interface Rest {
  at: number
  /** Fields of sessions and their journals, by session, while nothing runs. */
  fields: { session: string; fields: string[] }[]
  /** Keys without a lifetime. */
  eternal: string[]
  /** Keys of sessions that have ended, and fields of what their clients keep. */
  keys: { key: string; session?: string; lifetime: number }[]
  processes: { process: string; connections: number; calls: number; sockets: number; heap: number; before: number }[]
}

export interface History {
  seed: number
  /** ms, of the endpoint and of the harness. */
  limits: Limits
  faults: Fault[]
  sessions: Session[]
  calls: Call[]
  tasks: Task[]
  ledger: Entry[]
  /** Ends of processes that no fault caused. */
  exits: { at: number; process: string; how: string; errors: string[] }[]
  /** What processes wrote to stderr. For the reader: nothing is concluded from it. */
  errors: { at: number; process: string; line: string }[]
  rest?: Rest
}

export interface Limits {
  lease: number
  /** How long a run has the leg of a task without a sign of it. */
  taskLease: number
  heartbeat: number
  registerAfter: number
  drainTimeout: number
  storePatience: number
  commandTimeout: number
  askTimeout: number
  suspendAfter: number
  firstLifetime: number
  idleLifetime: number
  /** How long a client goes on with one call, or one task. */
  callPatience: number
}

/** Lines that are written at once. */
const AT_ONCE = 10_000

/** One line a record, so that `grep` finds a call. */
export function writeHistory(history: History, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const { seed, limits, rest, ...lists } = history
  const file = openSync(path, 'w')
  let lines: string[] = []
  const write = (record: object) => {
    // The whole of a long history is longer than a string may be.
    if (lines.push(`${JSON.stringify(record)}\n`) < AT_ONCE) return
    writeSync(file, lines.join(''))
    lines = []
  }
  write({ seed, limits })
  for (const [kind, items] of Object.entries(lists)) for (const item of items) write({ [kind]: item })
  if (rest) write({ rest })
  if (lines.length > 0) writeSync(file, lines.join(''))
  closeSync(file)
}

/** The key of a session itself, among all that the store has of it. */
export const isRecord = (key: string): boolean => /\}$/.test(key)

/** What outlives its session for a while by design: marks by which a repeated step or a repeated DELETE is recognised. */
export const isMark = (key: string): boolean => /\}:(post:|over:|cancel:|live$|logs$)/.test(key)

/**
 * What the sessions of a client keep in bytes: a hash with a field for each part, whose time ends by itself. A key at rest is
 * such a field.
 */
export const isCount = (key: string): boolean => /^mcp:sizes:\{/.test(key)

/** A task of a session, which nobody finds after the session has ended. */
export const isTask = (key: string): boolean => /\}:task(s$|:)/.test(key)
