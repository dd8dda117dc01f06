/** The settings of HTTP, with their defaults. */
import type { BodyLimits } from './body.ts'
import type { Rate } from './rate-limit.ts'

export interface HttpOptions extends BodyLimits {
  /** Messages in one batch (2025-03-26). */
  maxBatch: number
  /** Bytes that a slow reader may leave waiting on one response. */
  maxBuffered: number
  /** Serves a request that has lost its session id as one without a session, instead of 400. */
  allowSessionless: boolean
  /** Requests of one principal, on all instances. Only with authorization; undefined: any number. */
  principalRate: Rate | undefined
  /**
   * Requests without a valid token (all requests, where the endpoint requires none) of one public address; undefined: any
   * number. Private addresses belong to proxies or trusted clients and have no limit.
   */
  addressRate: Rate | undefined
  /** Proxies in front of each instance that add the address of their client to X-Forwarded-For. */
  proxies: number
}

export const DEFAULT_HTTP_OPTIONS: HttpOptions = {
  maxBytes: 4 * 1024 * 1024,
  maxDepth: 64,
  maxBatch: 50,
  maxBuffered: 1024 * 1024,
  allowSessionless: false,
  principalRate: { perSecond: 200, burst: 1_000 },
  addressRate: { perSecond: 200, burst: 1_000 },
  proxies: 0,
}
