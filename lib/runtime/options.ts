/** The settings of the session revisions, with their defaults. All times are in ms. */

export type GetPolicy = 'hold' | 'poll' | 'off'

export interface SessionOptions {
  /** Idle lifetime: slides with each request. Several clients never open a second session, so it is long. */
  idleLifetime: number
  /** From `initialize` until the first request after it. Some clients open a session per call and walk away. */
  firstLifetime: number
  /** From `initialize` until the session ends in any case. */
  maxLifetime: number
  /** How long a call may run before it is known to the other instances (cancel, DELETE). */
  registerAfter: number
  /** How long a call may run before its answer becomes a stream, for a client that takes one. */
  streamAfter: number
  /** An automatic progress message to a client that gave a token and has heard nothing for so long; 0: none. */
  autoProgress: number
  /** Comments on idle streams, and the look at the store that finds what a mailbox lost; 0: none. */
  heartbeat: number
  /** How long a handler waits for the client's answer to an ask. */
  askTimeout: number
  /** From the death of an instance until another one has taken its calls over. */
  lease: number
  getPolicy: GetPolicy
  /** With `poll`: how long a GET waits for news, and when the client should come back. */
  pollWait: number
  pollRetry: number
  /** The `retry` of streams: priming, and a planned close. */
  retry: number
  /** The `retry` told to a connection that a newer one replaced. */
  replacedRetry: number
  /** How long calls may go on after SIGTERM. */
  drainTimeout: number
  /** How long a response may take, where the platform does not say; 0: for ever. */
  responseLimit: number
  /** How long before the end of that time streams close that the client can come back for. */
  closeBefore: number
  /** How long before it a running call is handed over or fails. */
  abandonBefore: number
  /** Messages (and bytes) that one call may have waiting for the store before `ctx.progress` and the like wait. */
  maxQueuedMessages: number
  maxQueuedBytes: number
  /** Calls of one session at once, on all instances: those that run longer than {@link registerAfter}. */
  maxCalls: number
  /** Calls of one principal at once, in all its sessions and without one. Only with authorization. */
  maxCallsPerPrincipal: number
  /** Sessions of one principal. Only with authorization. */
  maxSessions: number
  /** Open streams of one instance: beyond them no more is opened that waits for news (GET, `/sse`, `listen`). */
  maxStreams: number
  /** Resources that one session may be subscribed to at once. */
  maxSubscriptions: number
  /** Asks of one call. */
  maxAsks: number
  /** How long an instance goes on trying to write when the store does not answer. */
  storePatience: number
}

/**
 * How long a session lives after it was last used. One of HTTP+SSE outlives the instance that holds its one stream for
 * a short time only: heartbeats slide it, nothing else.
 */
export function lifetimeOf(
  { legacy }: { legacy: boolean },
  { heartbeat, firstLifetime, idleLifetime }: SessionOptions,
): number {
  return legacy && heartbeat > 0 ? Math.min(idleLifetime, Math.max(firstLifetime, 3 * heartbeat)) : idleLifetime
}

export const DEFAULT_SESSION_OPTIONS: SessionOptions = {
  idleLifetime: 24 * 60 * 60_000,
  firstLifetime: 10 * 60_000,
  maxLifetime: 30 * 24 * 60 * 60_000,
  registerAfter: 50,
  streamAfter: 2_000,
  autoProgress: 20_000,
  heartbeat: 15_000,
  askTimeout: 10 * 60_000,
  lease: 10_000,
  getPolicy: 'hold',
  pollWait: 2_000,
  pollRetry: 15_000,
  retry: 1_000,
  replacedRetry: 60_000,
  drainTimeout: 8_000,
  responseLimit: 0,
  closeBefore: 30_000,
  abandonBefore: 5_000,
  maxQueuedMessages: 1_000,
  maxQueuedBytes: 4 * 1024 * 1024,
  maxCalls: 100,
  maxCallsPerPrincipal: 1_000,
  maxSessions: 2_000,
  maxStreams: 10_000,
  maxSubscriptions: 1_000,
  maxAsks: 100,
  storePatience: 60_000,
}
