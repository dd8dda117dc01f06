/** The updates of resources that a GET stream may send. What it may not send stays in the log, for a stream with another token. */
import { hasScopes } from '../protocol/auth-info.ts'
import type { JsonObject } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import { type CallHost, viewerOf } from './call/host.ts'
import type { Session } from './stream/session.ts'

export class Hearing {
  readonly #host: CallHost
  readonly #session: Session
  readonly #caller: Caller
  /** Subscriptions that were made while the stream is open, by a request whose token had their scopes. */
  readonly #granted = new Set<string>()

  constructor(host: CallHost, session: Session, caller: Caller) {
    this.#host = host
    this.#session = session
    this.#caller = caller
  }

  /** Where nothing needs scopes, or the caller has no token, every update may be sent that the caller sees. */
  get #needsScopes(): boolean {
    return this.#caller.auth !== undefined && this.#host.scopes.size > 0
  }

  /**
   * The client has subscribed while the stream is open, or ended its subscription. The scopes of its request count only where it
   * needed some: for a resource that was hidden, or missing, nothing was checked.
   */
  grant(uri: string, on: boolean): void {
    if (!on) this.#granted.delete(uri)
    else if (this.#needsScopes && this.#sees(uri) && !this.#mayRead(uri)) this.#granted.add(uri)
  }

  /** False for an update of a resource whose scopes the token of the stream lacks, or which is hidden from its caller. */
  permits(data: string): boolean {
    if (!this.#needsScopes && !this.#host.hides()) return true
    if (!data.includes('"notifications/resources/updated"')) return true
    const { method, params }: { method?: string; params?: JsonObject } = JSON.parse(data)
    const uri = params?.uri
    if (method !== 'notifications/resources/updated' || typeof uri !== 'string') return true
    return this.#sees(uri) && (this.#mayRead(uri) || this.#granted.has(uri))
  }

  #sees(uri: string): boolean {
    const viewer = viewerOf(this.#host, this.#session, this.#caller)
    return viewer === undefined || this.#host.shows(uri, viewer)
  }

  #mayRead(uri: string): boolean {
    const { auth } = this.#caller
    return !auth || hasScopes(auth, this.#host.scopesOf('resources/read', { uri }))
  }
}
