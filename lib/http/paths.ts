/** The paths of an endpoint: its own ones, and the same ones below the prefix of its public address. */
import { WELL_KNOWN } from '../auth/options.ts'
import { fetchOptions } from './fetch-options.ts'
import type { HttpRequest } from './request.ts'

export interface PathOptions {
  /** Where the endpoint answers. Default `/mcp`. */
  path?: string | undefined
  /**
   * The begin of the public address that a proxy or a gateway adds, such as `/tools`. Requests are served with it and without
   * it, since some proxies cut it off. The addresses that the endpoint names have it: of HTTP+SSE, and of the metadata
   * of authorization.
   */
  prefix?: string | undefined
}

/** Where HTTP+SSE answers. */
export const LEGACY_PATHS = ['/sse', '/messages'] as const

/** A path of segments without dots alone, without a slash at its end, or nothing. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()+,;=@%-]+)*$/

/** @throws TypeError with one line for a path that cannot be one */
export function checkPaths({ path = '/mcp', prefix = '' }: PathOptions): void {
  if (!/^\/[^?#\s]*$/.test(path)) throw new TypeError('path must begin with / and have no query.')
  if (!PREFIX.test(plain(prefix))) {
    throw new TypeError(`prefix must be the begin of a path, such as /tools, not ${JSON.stringify(prefix)}.`)
  }
}

export class Paths {
  /** Where `/mcp` is. */
  readonly path: string
  readonly #prefix: string
  readonly #served: ReadonlySet<string>
  readonly #hasMetadata: boolean

  /**
   * @param legacy HTTP+SSE is served
   * @param hasMetadata the documents of authorization are served
   * @throws TypeError
   */
  constructor(options: PathOptions & { page?: unknown }, legacy: boolean, hasMetadata: boolean) {
    checkPaths(options)
    this.path = options.path ?? '/mcp'
    this.#prefix = plain(options.prefix ?? '')
    this.#hasMetadata = hasMetadata
    this.#served = new Set(
      [this.path, '/healthz', ...(options.page ? ['/'] : []), ...(legacy ? LEGACY_PATHS : [])].map(plain),
    )
  }

  /** The address of `/mcp` as clients see it. */
  get publicPath(): string {
    return this.#prefix + this.path
  }

  /** The routes of one of the endpoint's own paths. Many configurations of clients have a slash at its end. */
  routes(path: string): string[] {
    const own = plain(path)
    const all = this.#prefix === '' ? [own] : [own, this.#prefix + own]
    return all.flatMap((one) => (one === '' ? ['/'] : [one, `${one}/`]))
  }

  /** A path without the prefix that the proxy has left. */
  own(path: string): string {
    if (this.#prefix === '') return path
    if (path === this.#prefix) return '/'
    return path.startsWith(`${this.#prefix}/`) ? path.slice(this.#prefix.length) : path
  }

  /** True for a path where the endpoint answers. */
  serves(path: string): boolean {
    const own = this.own(path)
    return this.#served.has(plain(own)) || (this.#hasMetadata && own.startsWith('/.well-known/oauth-'))
  }

  /** What is in front of the endpoint's own paths in the address that the client of this request used. */
  publicPrefix(c: HttpRequest): string {
    const { mountedAt = '' } = fetchOptions(c)
    const mount = PREFIX.test(mountedAt) ? mountedAt : ''
    return `${mount}/`.startsWith(`${this.#prefix}/`) ? mount : this.#prefix + mount
  }
}

/** The part of a path after the well-known path; the path may be below a prefix. */
export function metadataSuffix(path: string): string {
  return path.slice(path.indexOf(WELL_KNOWN) + WELL_KNOWN.length)
}

/** Without a slash at its end. */
function plain(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
