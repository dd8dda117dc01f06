/** Who sends a request and whether it may be served now: token, scopes, rates. Without any of these it costs nothing. */
import type { Context } from 'hono'
import type { Admitted } from '../auth/claims.ts'
import type { ResourceMetadata } from '../auth/metadata.ts'
import { CLIENTS_OWN } from '../auth/metadata.ts'
import type { Admission } from '../auth/on-demand.ts'
import { AuthRefusal } from '../auth/refusal.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Message } from '../protocol/jsonrpc.ts'
import type { Caller, RequestNote } from '../runtime/caller.ts'
import type { Loads } from '../runtime/concurrency.ts'
import type { RequestInfo } from '../server/context/client-channel.ts'
import { type Dispatcher, missingScopes } from '../server/dispatcher.ts'
import { clientAddress, limitedBy } from './address.ts'
import type { ReadHeader } from './headers.ts'
import { remoteAddress } from './headers.ts'
import type { Rates } from './rate-limit.ts'
import { HttpRefusal } from './refusal.ts'

export interface GuardParts {
  dispatcher: Dispatcher
  /** Where the endpoint requires tokens. */
  auth: { authenticator: Admission; metadata: ResourceMetadata } | undefined
  loads: Loads
  /** Requests of a principal. */
  principals: Rates | undefined
  /** Requests of an address: all where nobody needs a token, else those whose token could not be taken. */
  addresses: Rates | undefined
  /** Proxies in front of this instance that add to X-Forwarded-For. */
  proxies: number
  onError(error: unknown): void
}

/** What a platform may hand in with a request, beside what Hono's own adapters do. */
interface PlatformBindings {
  /** When the platform ends the response, ms since 1970. */
  deadline?: number
  note?: RequestNote
}

export class Guard {
  readonly #parts: GuardParts

  constructor(parts: GuardParts) {
    this.#parts = parts
  }

  /**
   * Says who sends a request; `limit`: how long its response may take, in ms, 0 for ever.
   * @throws HttpRefusal (or rejects with it)
   */
  caller(c: Context, header: ReadHeader, limit: number): Caller | Promise<Caller> {
    const { auth, addresses, proxies } = this.#parts
    const address = clientAddress(remoteAddress(c), proxies > 0 ? header('x-forwarded-for') : undefined, proxies)
    if (!auth) {
      if (addresses) takeOne(addresses, limitedBy(address))
      return callerOf(c, limit, address)
    }
    const { authenticator } = auth
    const authorization = header('authorization')
    const place = addresses && !authenticator.knows(authorization) ? limitedBy(address) : undefined
    // Before anybody is asked about it: of many that come at once, those over the limit are not looked at.
    if (addresses) takeOne(addresses, place)
    try {
      const admitted = authenticator.admit(authorization)
      if (!(admitted instanceof Promise)) return this.#admitted(c, limit, address, admitted)
      return admitted.then(
        (known) => {
          this.#giveBack(place)
          return this.#admitted(c, limit, address, known)
        },
        (error: unknown) => this.#refuse(c, place, error),
      )
    } catch (error) {
      return this.#refuse(c, place, error)
    }
  }

  /** What was counted before it was known who sends it. */
  #giveBack(place: string | undefined): void {
    if (place !== undefined) this.#parts.addresses?.giveBack(place)
  }

  #admitted(c: Context, limit: number, address: string | undefined, { auth, principal, until }: Admitted): Caller {
    const { principals, loads } = this.#parts
    if (principals) takeOne(principals, principal)
    return { ...callerOf(c, limit, address), principal, auth, until, load: loads.of(principal) }
  }

  /** What is wrong with a token, as HTTP says it. Whoever sends wrong ones in a row is told to wait. */
  #refuse(c: Context, place: string | undefined, error: unknown): never {
    if (!(error instanceof AuthRefusal)) throw error
    const { auth, onError } = this.#parts
    if (error.kind === 'unavailable') onError(error.cause)
    // No token at all: how every client begins.
    if (error.kind === 'missing') this.#giveBack(place)
    throw asHttp(error, auth?.metadata.urlFor(c.req.path))
  }

  /**
   * Refuses what the caller lacks scopes for; a batch as a whole. To be asked before a response has begun.
   * `unites`: the client adds what it has to what it is told that it needs, as 2026-07-28 has it.
   * @throws HttpRefusal
   */
  requireScopes(c: Context, caller: Caller, messages: readonly Message[], unites: boolean): void {
    const { dispatcher, auth } = this.#parts
    if (!auth || caller.auth === undefined || dispatcher.scopes.size === 0) return
    const needed = new Set<string>()
    for (const message of messages) {
      if (message.kind !== 'request') continue
      const { method, params } = message.request
      for (const scope of missingScopes(dispatcher, caller.auth, method, params) ?? []) needed.add(scope)
    }
    if (needed.size === 0) return
    const granted = unites ? [] : caller.auth.scopes.filter((scope) => scope !== CLIENTS_OWN)
    const scopes = [...new Set([...needed, ...auth.authenticator.scopes, ...granted])]
    const refusal = new AuthRefusal('scope', 'The token lacks scopes that this request needs.', { scopes })
    const [only] = messages
    const id = messages.length === 1 && only?.kind === 'request' ? only.request.id : undefined
    throw asHttp(refusal, auth.metadata.urlFor(c.req.path), id)
  }

  /**
   * Refuses calls beyond those that a principal may have running.
   * @throws HttpRefusal
   */
  requireRoom({ load }: Caller, messages: readonly Message[]): void {
    if (!load) return
    let requests = 0
    for (const { kind } of messages) if (kind === 'request') requests++
    if (requests === 0 || load.admits(requests)) return
    const message = 'This caller has as many calls running as it may. Try again when one has ended.'
    throw new HttpRefusal(429, ErrorCode.ServerError, message, { 'Retry-After': '1' })
  }
}

function callerOf(c: Context, limit: number, address: string | undefined): Caller {
  const { raw } = c.req
  const { deadline: given, note } = (c.env ?? {}) as PlatformBindings
  const deadline = given ?? (limit > 0 ? Date.now() + limit : undefined)
  return {
    principal: '',
    auth: undefined,
    deadline,
    note,
    request: new Sent(raw, address),
  }
}

/** The request as a handler sees it. Its headers become an object only when they are asked for. */
class Sent implements RequestInfo {
  readonly #raw: Request
  readonly address: string | undefined

  constructor(raw: Request, address: string | undefined) {
    this.#raw = raw
    this.address = address
  }

  get headers(): Headers {
    return this.#raw.headers
  }
}

function takeOne(rates: Rates, id: string | undefined): void {
  const wait = id === undefined ? 0 : rates.take(id)
  if (wait <= 0) return
  const seconds = Math.ceil(wait / 1_000)
  const message = `Too many requests. Try again in ${seconds} s.`
  throw new HttpRefusal(429, ErrorCode.ServerError, message, { 'Retry-After': String(seconds) })
}

function asHttp(refusal: AuthRefusal, metadata: string | undefined, id?: string | number): HttpRefusal {
  const code = refusal.kind === 'unavailable' ? ErrorCode.InternalError : ErrorCode.InvalidRequest
  return new HttpRefusal(refusal.status, code, refusal.message, refusal.headers(metadata), id)
}
