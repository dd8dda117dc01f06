/** Which calls can be suspended: by their clients, and by what their tools say of themselves. */
import { type CallParts, mayPause } from './host.ts'

/** Batches, HTTP+SSE and older revisions keep their runs: their clients do not poll. */
export function streamsCanSuspend(parts: CallParts): boolean {
  const { carrier, host } = parts
  return host.instance.options.suspendAfter > 0 && !carrier.shared && mayPause(parts)
}

/**
 * The run may end while its client is asked. A journal alone is not enough for that: a tool that is only idempotent has one from its
 * first `ctx.once` on, and would take the end of its run for an answer.
 */
export function maySuspend(parts: CallParts): boolean {
  return streamsCanSuspend(parts) && parts.host.durability(parts.request) === 'durable'
}
