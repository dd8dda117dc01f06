/** The settings of the stateless revision, with their defaults. All times are in ms. */
export interface StatelessOptions {
  /** How long a call may run before its answer becomes a stream, for a client that takes one. */
  streamAfter: number
  /** How long a client may take to answer the asks of one round. */
  stateLifetime: number
  /** How long a call may take with all of its rounds, however often its client asks for another state. */
  callLifetime: number
  /** Serves `subscriptions/listen`. False where no response can be a stream. */
  listen: boolean
  /** Bytes of `requestState`: answers so far and what `ctx.once` kept. */
  maxState: number
}

export const DEFAULT_STATELESS_OPTIONS: StatelessOptions = {
  streamAfter: 2_000,
  stateLifetime: 60 * 60_000,
  callLifetime: 24 * 60 * 60_000,
  listen: true,
  maxState: 64 * 1024,
}
