/** Which calls can be suspended: by their clients, and by what their tools say of themselves. */
import { features } from '../../protocol/revisions.ts'
import type { CallParts } from './host.ts'

/** Batches, HTTP+SSE and older revisions keep their runs: their clients do not poll. */
export function streamsCanSuspend({ carrier, host, session }: CallParts): boolean {
  const { suspendAfter } = host.instance.options
  return suspendAfter > 0 && !carrier.shared && !session.legacy && features(session.revision).streamsMayPause
}

/**
 * The run may end while its client is asked. A journal alone is not enough for that: a tool that is only idempotent has one from its
 * first `ctx.once` on, and would take the end of its run for an answer.
 */
export function maySuspend(parts: CallParts): boolean {
  return streamsCanSuspend(parts) && parts.host.durability(parts.request) === 'durable'
}
