import type { SessionOptions } from '../settings.ts'

/**
 * How long a session lives after its last use. A session of HTTP+SSE has one stream, which dies with its instance, so
 * only the heartbeats of that stream keep the session alive, and it ends soon after them.
 */
export function lifetimeOf(
  { legacy }: { legacy: boolean },
  { heartbeat, firstLifetime, idleLifetime }: SessionOptions,
): number {
  return legacy && heartbeat > 0 ? Math.min(idleLifetime, Math.max(firstLifetime, 3 * heartbeat)) : idleLifetime
}
