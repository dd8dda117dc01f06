/** The metadata of the protected resource (RFC 9728), which clients read before they have a token. */
import { type AuthOptions, CLIENTS_OWN, issuersOf, WELL_KNOWN } from './options.ts'

export interface ResourceFacts {
  /** Where the endpoint answers. */
  path: string
  /** The paths of HTTP+SSE; none where it is not served. */
  legacy: readonly string[]
  /** The server's name for people. */
  name: string
  /** Every scope that something of the server needs. */
  scopes: ReadonlySet<string>
}

export class ResourceMetadata {
  readonly issuers: readonly string[]
  readonly #options: AuthOptions
  readonly #facts: ResourceFacts
  readonly #main: string
  readonly #legacy: string | undefined

  constructor(options: AuthOptions, facts: ResourceFacts) {
    this.issuers = issuersOf(options)
    this.#options = options
    this.#facts = facts
    this.#main = options.resource.replace(/\/$/, '')
    const { path, legacy } = facts
    // HTTP+SSE has an address of its own, which is a resource of its own for clients that compare the two.
    const own = withoutSlash(path)
    const base = this.#main.endsWith(own) ? this.#main.slice(0, this.#main.length - own.length) : undefined
    this.#legacy = legacy[0] !== undefined && base !== undefined ? base + legacy[0] : undefined
  }

  /** Every address that is an audience. */
  get resources(): string[] {
    return this.#legacy === undefined ? [this.#main] : [this.#main, this.#legacy]
  }

  #resourceAt(path: string): string {
    return this.#legacy !== undefined && this.#facts.legacy.includes(withoutSlash(path)) ? this.#legacy : this.#main
  }

  /**
   * The address of the metadata for a route; undefined where there is no authorization server to name.
   *
   * @param prefix the begin of the public path that is cut off in front: only addresses below it come here
   */
  urlFor(path: string, prefix: string): string | undefined {
    if (this.issuers.length === 0) return undefined
    const url = this.#resourceAt(path)
    return `${new URL(url).origin}${prefix}${WELL_KNOWN}${pathOf(url)}`
  }

  /** The document at the well-known path with this suffix; undefined where there is none. */
  documentFor(suffix: string): object | undefined {
    if (this.issuers.length === 0) return undefined
    const { path, legacy, name, scopes } = this.#facts
    const asked = withoutSlash(suffix)
    const route = [...legacy, path].find((known) => {
      return asked === withoutSlash(known) || asked === pathOf(this.#resourceAt(known))
    })
    if (asked !== '' && route === undefined) return undefined
    const supported = [...new Set([...(this.#options.scopes ?? []), ...scopes])].filter((one) => one !== CLIENTS_OWN)
    return {
      resource: this.#resourceAt(route ?? path),
      authorization_servers: this.issuers,
      bearer_methods_supported: ['header'],
      ...(supported.length > 0 && { scopes_supported: supported }),
      resource_name: name,
      ...(this.#options.documentation !== undefined && { resource_documentation: this.#options.documentation }),
    }
  }
}

function pathOf(url: string): string {
  return withoutSlash(new URL(url).pathname)
}

/** A path with a slash at its end is the path without it. */
function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
