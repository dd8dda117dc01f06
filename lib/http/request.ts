/** A request as the routes of the endpoint see it. */
import type { FetchOptions } from './fetch-options.ts'

/** Hono's context is one. */
export interface HttpRequest {
  readonly req: {
    readonly raw: Request
    readonly method: string
    /** Decoded, without the query. */
    readonly path: string
    readonly url: string
  }
  /** What came with the request: {@link FetchOptions}, or what the app's own server has in its place. */
  readonly env: unknown
}

/** A request without Hono's context, which makes a dozen functions for each request. */
export class PlainRequest implements HttpRequest {
  readonly raw: Request
  readonly path: string
  readonly env: FetchOptions | undefined

  constructor(raw: Request, path: string, env: FetchOptions | undefined) {
    this.raw = raw
    this.path = path
    this.env = env
  }

  get req(): this {
    return this
  }
  get method(): string {
    return this.raw.method
  }
  get url(): string {
    return this.raw.url
  }
}
