/** The caller of a request, and whether it may be served now: token, scopes, rates. An endpoint without them pays nothing. */
import type { Identity } from '../auth/claims.ts'
import type { MiddlewareCheck } from '../auth/middleware.ts'
import type { CallerCheck } from '../auth/on-demand.ts'
import { CLIENTS_OWN } from '../auth/options.ts'
import { AuthRefusal } from '../auth/refusal.ts'
import type { Clock } from '../base/clock.ts'
import type { OnDemand } from '../base/on-demand.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Message, RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { refusalText } from '../protocol/refusal-texts.ts'
import type { Caller } from '../runtime/caller.ts'
import type { ConcurrencyLimiter } from '../runtime/concurrency.ts'
import { TRY_SOON } from '../runtime/reply.ts'
import type { RequestInfo } from '../server/context/client-channel.ts'
import { type Dispatcher, missingScopes } from '../server/dispatcher.ts'
import type { Caller as Viewer } from '../server/registry/config.ts'
import { clientAddress, limitKey } from './address.ts'
import { fetchOptions } from './fetch-options.ts'
import { type ReadHeader, remoteAddress } from './headers.ts'
import type { Paths } from './paths.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { HttpRequest } from './request.ts'

interface AccessParts {
  dispatcher: Dispatcher
  /** Where the endpoint requires tokens, or a middleware in front of it. */
  auth: CallerCheck | undefined
  /** Makes the identity of a caller that a middleware has checked. */
  checked: OnDemand<MiddlewareCheck>
  paths: Paths
  concurrency: ConcurrencyLimiter
  /** Requests of a principal. */
  principals: RateLimiter | undefined
  /** Requests of an address: all whose caller has no principal, else those without a valid token. */
  addresses: RateLimiter | undefined
  /** Proxies in front of this instance that add to X-Forwarded-For. */
  proxies: number
  clock: Clock
  onError(error: unknown): void
}

/** What a session, or the revision without one, adds to a caller. */
export type Seen = Pick<Viewer, 'revision' | 'client'>

/** A setting is missing. */
class ProxyNotTrusted extends Error {
  override readonly name = 'Warning'

  constructor() {
    super(
      'Requests have X-Forwarded-For, and TRUSTED_PROXIES (http.proxies) is 0: if they come through a proxy or a load balancer, ' +
        'all clients share its address, so that rates and budgets cannot be counted for each. Set it to the number of proxies ' +
        'that add to X-Forwarded-For.',
    )
    this.stack = String(this)
  }
}

export class Access {
  readonly #parts: AccessParts
  /** The operator has heard of a proxy that is not trusted. */
  #warned = false

  constructor(parts: AccessParts) {
    this.#parts = parts
  }

  /**
   * Finds the caller of a request. `limit`: how long its response may take, in ms; 0: no limit.
   * @throws Refusal (or rejects with it)
   */
  caller(c: HttpRequest, header: ReadHeader, limit: number): Caller | Promise<Caller> {
    const { auth, addresses, proxies } = this.#parts
    const address = clientAddress(remoteAddress(c), proxies > 0 ? header('x-forwarded-for') : undefined, proxies)
    const { auth: given } = fetchOptions(c)
    if (given !== undefined) return this.#checked(c, limit, address, given)
    if (!auth) {
      const client = limitKey(address)
      if (proxies === 0 && !this.#warned) this.#warn(header)
      if (addresses) consume(addresses, client)
      return this.anonymous(c, limit, address, client)
    }
    const authorization = header('authorization')
    const key = addresses && !auth.wasValid(authorization) ? limitKey(address) : undefined
    // Before the token is checked: of many requests that come at once, those over the limit cost no check.
    if (addresses) consume(addresses, key)
    try {
      const identity = auth.authenticate(authorization)
      if (!(identity instanceof Promise)) return this.#identified(c, limit, address, identity)
      return identity.then(
        (known) => {
          this.#refund(key)
          return this.#identified(c, limit, address, known)
        },
        (error: unknown) => this.#refuse(c, key, error),
      )
    } catch (error) {
      return this.#refuse(c, key, error)
    }
  }

  #checked(c: HttpRequest, limit: number, address: string | undefined, given: unknown): Caller | Promise<Caller> {
    const { checked } = this.#parts
    const check = checked.now
    if (!check) return checked.load().then(() => this.#checked(c, limit, address, given))
    try {
      return this.#identified(c, limit, address, check(given))
    } catch (error) {
      return this.#refuse(c, undefined, error)
    }
  }

  /** An address that forwards requests is a proxy, which may have a public address: load balancers and CDNs. */
  #warn(header: ReadHeader): void {
    if (header('x-forwarded-for') === undefined) return
    this.#warned = true
    this.#parts.onError(new ProxyNotTrusted())
  }

  /**
   * Counts the messages of a batch, of which the request itself was one.
   * @throws Refusal 429
   */
  countBatch({ client, auth }: Caller, messages: number): void {
    const { addresses, principals } = this.#parts
    const limiter = auth ? principals : addresses
    if (limiter && client !== undefined && messages > 1) refuseFor(limiter.consumeMore(client, messages - 1), limiter)
  }

  /** A caller without a principal. */
  anonymous(c: HttpRequest, limit: number, address?: string, client?: string): Caller {
    const { deadline: given } = fetchOptions(c)
    const deadline = given ?? (limit > 0 ? this.#parts.clock.now() + limit : undefined)
    const request = new RequestView(c, this.#parts.paths, address)
    return { principal: '', client, auth: undefined, deadline, note: undefined, request, held: undefined }
  }

  /** The request was counted for its address before its principal was known. */
  #refund(key: string | undefined): void {
    if (key !== undefined) this.#parts.addresses?.refund(key)
  }

  #identified(
    c: HttpRequest,
    limit: number,
    address: string | undefined,
    { auth, principal, until }: Identity,
  ): Caller {
    const { principals, concurrency } = this.#parts
    if (principals) consume(principals, principal)
    return {
      ...this.anonymous(c, limit, address, principal),
      principal,
      auth,
      until,
      quota: concurrency.quotaOf(principal),
    }
  }

  /** Refusals of tokens count for the address; requests without any do not, since every client begins with one. */
  #refuse(c: HttpRequest, key: string | undefined, error: unknown): never {
    if (!(error instanceof AuthRefusal)) throw error
    if (error.kind === 'missing') this.#refund(key)
    throw error.withMetadata(this.#metadataUrl(c))
  }

  /**
   * Refuses a request whose caller lacks scopes, a batch as a whole, and calls beyond those that a principal may have
   * running. Called before a response has begun. Where the server hides entries from some callers, a request of a session is
   * admitted by {@link inSession} once the session was read.
   *
   * @param unites the client adds the scopes that it has to those of the challenge (2026-07-28)
   * @param seen undefined: the session was not read yet
   * @throws Refusal 403 or 429
   */
  admit(c: HttpRequest, caller: Caller, messages: readonly Message[], unites: boolean, seen?: Seen): void {
    if (seen || !this.#parts.dispatcher.hides) this.#admitScopes(c, caller, messages, unites, seen)
    const calls = caller.quota ? messages.filter(({ kind }) => kind === 'request').length : 0
    if (calls === 0 || caller.quota?.admits(calls)) return
    throw new Refusal(429, ErrorCode.ServerError, refusalText('calls'), { headers: TRY_SOON })
  }

  /**
   * Refuses a request of a session whose caller lacks scopes, where {@link admit} could not: a challenge must not reveal an
   * entry that the session does not see. Undefined: there is nothing left to check.
   */
  inSession(c: HttpRequest, caller: Caller, messages: readonly Message[]): ((seen: Seen) => void) | undefined {
    if (!this.#parts.dispatcher.hides) return undefined
    return (seen) => this.#admitScopes(c, caller, messages, false, seen)
  }

  #admitScopes(c: HttpRequest, caller: Caller, messages: readonly Message[], unites: boolean, seen?: Seen): void {
    const { dispatcher } = this.#parts
    if (dispatcher.scopes.size === 0) return
    const viewer = dispatcher.hides && seen ? viewerOf(caller, seen) : undefined
    // An endpoint without authorization does not start with scopes: these were registered later.
    if (caller.auth === undefined) return refuseScoped(dispatcher, messages, viewer)
    const needed = new Set<string>()
    for (const message of messages) {
      if (message.kind !== 'request') continue
      const { method, params } = message.request
      for (const scope of missingScopes(dispatcher, caller.auth, method, params, viewer) ?? []) needed.add(scope)
    }
    if (needed.size === 0) return
    const [only] = messages
    const id = messages.length === 1 && only?.kind === 'request' ? only.request.id : undefined
    this.requireScopes(c, caller, needed, unites, id)
  }

  /** @throws AuthRefusal 403 where the caller lacks one of the scopes: the challenge names all of them */
  requireScopes(c: HttpRequest, caller: Caller, needed: ReadonlySet<string>, unites: boolean, id?: RequestId): void {
    if (!caller.auth) return
    const has = caller.auth.scopes
    const missing = [...needed].filter((scope) => !has.includes(scope))
    if (missing.length === 0) return
    const granted = unites ? [] : has.filter((scope) => scope !== CLIENTS_OWN)
    const scopes = [...new Set([...needed, ...(this.#parts.auth?.scopes ?? []), ...granted])]
    const metadata = this.#metadataUrl(c)
    throw new AuthRefusal('scope', refusalText('scopes', missing, false), { scopes, metadata, id })
  }

  /** The address of the metadata that a client without a token reads. */
  #metadataUrl(c: HttpRequest): string | undefined {
    const { auth, paths } = this.#parts
    return auth?.metadataUrl(paths.own(c.req.path), paths.publicPrefix(c))
  }
}

/** A session has more than its entries may see, its keys among that. */
function viewerOf({ auth }: Caller, { revision, client }: Seen): Viewer {
  return { auth, revision, client }
}

/** @throws Refusal 403 where a request needs a scope: without authorization nobody has one */
function refuseScoped(dispatcher: Dispatcher, messages: readonly Message[], viewer: Viewer | undefined): void {
  const needs = messages.some((message) => {
    if (message.kind !== 'request') return false
    const { method, params } = message.request
    return dispatcher.policyOf(method, params, viewer).scopes.length > 0
  })
  if (!needs) return
  throw new Refusal(403, ErrorCode.InvalidRequest, refusalText('scopesWithoutAuth'))
}

/** The request as a handler sees it. A class, since V8 takes microseconds for a getter in an object literal. */
class RequestView implements RequestInfo {
  readonly #c: HttpRequest
  readonly #paths: Paths
  readonly address: string | undefined

  constructor(c: HttpRequest, paths: Paths, address: string | undefined) {
    this.#c = c
    this.#paths = paths
    this.address = address
  }

  /** They become an object only when the handler reads them. */
  get headers(): Headers {
    return this.#c.req.raw.headers
  }

  get url(): URL | undefined {
    if (fetchOptions(this.#c).local) return undefined
    const url = new URL(this.#c.req.raw.url)
    const path = this.#paths.publicPrefix(this.#c) + this.#paths.own(url.pathname)
    if (path !== url.pathname) url.pathname = path
    return url
  }
}

/** @throws Refusal 429 */
function consume(limiter: RateLimiter, key: string | undefined): void {
  if (key !== undefined) refuseFor(limiter.consume(key), limiter)
}

/** @throws Refusal 429 where the client has to wait, in ms */
function refuseFor(wait: number, { kind }: RateLimiter): void {
  if (wait <= 0) return
  const seconds = String(Math.ceil(wait / 1_000))
  // The time is that of this client alone: there is nobody to part it from.
  const headers = { 'Retry-After': seconds }
  throw new Refusal(429, ErrorCode.ServerError, refusalText('rate', seconds, kind), { about: 'rate', headers })
}
