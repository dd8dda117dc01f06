/** The events of an instance and of its store: takeovers, the shutdown, sessions, commands and outages. */
import type { RequestStart } from './events.ts'

export interface ClientName {
  name: string
  version: string
}

/** This instance has claimed the call, or the leg of a task, of an instance that died or shut down. */
export interface TakeoverEvent {
  instance: string
  /** Absent for tasks of clients without sessions. */
  session?: string
  id: string | number
  method: string
  /** The instance of the run before; undefined: it released the call as it shut down. */
  from?: string
  /**
   * rerun: a second run begins. failed: the client gets an error. cancelled: the client had cancelled it. woken: the call was
   * suspended, and goes on with an answer or past a deadline: nothing has died.
   */
  outcome: 'rerun' | 'failed' | 'cancelled' | 'woken'
  /** How many messages the call had sent. A task sends none. */
  sent: number
  /** As in the events of calls. */
  task?: string
  leg?: number
}

/** The instance begins to shut down. */
export interface DrainStart {
  instance: string
  /** What is open. */
  calls: number
  streams: number
}

/** It has shut down. It is the object that `drain-start` published. */
export interface DrainEvent extends DrainStart {
  /** Calls that were not done in time: handed over or ended with an error. */
  left: number
  durationMs: number
}

/** A command of the store's server. The store in memory has none. */
export interface CommandEvent {
  store: string
  /** The name of a script (`mcpAppend`) or of a command (`hmget`). */
  command: string
  error?: Error
  durationMs: number
}

/** The store went away, or is back. */
export interface StoreEvent {
  store: string
  state: 'lost' | 'back'
  /** Why it went. */
  cause: Error
  /** `away`, `full`, `loading`, `readonly`, `denied`, `moved` or `outdated`. */
  trouble: string
  /** From the first failure on. */
  awayMs: number
}

/** A session was opened. */
export interface SessionStart {
  instance: string
  /** A digest, as in the events of requests and calls. */
  session: string
  revision: string
  client?: ClientName
  request?: RequestStart
}

/** A session was ended, on any instance: another one may have opened it. A session that nobody uses expires without an event. */
export interface SessionEvent extends SessionStart {
  /** deleted: by its client. closed: with its stream (HTTP+SSE). */
  outcome: 'deleted' | 'closed'
  /** Since it was opened, by the wall clocks of the two instances. */
  durationMs: number
}
