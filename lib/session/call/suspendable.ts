/** Which calls can be suspended, as far as their clients are concerned. */
import { features } from '../../protocol/revisions.ts'
import type { CallParts } from './host.ts'

/** Batches, HTTP+SSE and older revisions keep their runs: their clients do not poll. */
export function streamsCanSuspend({ carrier, host, session }: CallParts): boolean {
  const { suspendAfter } = host.instance.options
  return suspendAfter > 0 && !carrier.shared && !session.legacy && features(session.revision).streamsMayPause
}
