/**
 * Requests of the session revisions that come without a session, for clients that lose its id. They are served on
 * their own, as the stateless revision is: no session values, no asks, no event ids, and nothing is kept.
 */

import type { AuthInfo } from '../protocol/auth-info.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, RequestId } from '../protocol/jsonrpc.ts'
import { notificationText, RawJson } from '../protocol/jsonrpc.ts'
import type { SessionRevision } from '../protocol/revisions.ts'
import type { LoggingLevel } from '../protocol/types.ts'
import { isLoggingLevel } from '../protocol/types.ts'
import type { Ask, ClientChannel, ClientView, RequestInfo } from '../server/context/client-channel.ts'
import { AskError } from '../server/context/errors.ts'
import type { Handles, KeyValues } from '../store/values.ts'
import { handleValues, userValues } from '../store/values.ts'
import type { StatelessHost } from './call.ts'
import type { Run } from './exchange.ts'

export interface SessionlessInput {
  revision: SessionRevision
  requestId: RequestId
  principal: string
  auth: AuthInfo | undefined
  info: RequestInfo
  say: ((text: string) => void) | undefined
}

export class SessionlessCall implements ClientChannel, Run {
  readonly pending = false
  /** Nothing is known of the client. */
  readonly client: ClientView = { info: undefined, capabilities: {} }
  readonly session = undefined
  readonly #host: StatelessHost
  readonly #input: SessionlessInput
  #abort: AbortController | undefined
  #once: Map<string, Promise<unknown>> | undefined
  #over = false

  constructor(host: StatelessHost, input: SessionlessInput) {
    this.#host = host
    this.#input = input
  }

  get revision(): SessionRevision {
    return this.#input.revision
  }
  get requestId(): RequestId {
    return this.#input.requestId
  }
  get auth() {
    return this.#input.auth
  }
  get request() {
    return this.#input.info
  }
  get announce() {
    return this.#host.announce
  }
  get user(): KeyValues {
    return userValues(this.#host.store, this.#input.principal)
  }
  get handles(): Handles {
    return handleValues(this.#host.store, this.#input.principal)
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  wants(_level: LoggingLevel): boolean {
    return true
  }

  notify(method: string, params: JsonObject): Promise<void> {
    if (!this.#over) this.#input.say?.(notificationText(method, params))
    return Promise.resolve()
  }

  ask({ method }: Ask): Promise<JsonObject> {
    return Promise.reject(new AskError('unreachable', `${method}: without a session the client cannot be asked.`))
  }

  once<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    this.#once ??= new Map()
    const kept = (this.#once.get(name) as Promise<T> | undefined) ?? (async () => fn())()
    this.#once.set(name, kept)
    return kept
  }

  closeStream(): void {}

  inputRequired(): JsonObject {
    throw new Error('Nothing is asked without a session.')
  }

  end(cancelled?: string): void {
    this.#over = true
    if (cancelled !== undefined) this.#abort?.abort(new DOMException(cancelled, 'AbortError'))
  }
}

/** What the session's own methods answer where there is none. Undefined: the method is the server's. */
export function sessionlessMethod(method: string, params: JsonObject | undefined): JsonObject | undefined {
  if (method === 'ping') return {}
  if (method !== 'logging/setLevel') return undefined
  if (isLoggingLevel(params?.level)) return {}
  throw new ProtocolError(ErrorCode.InvalidParams, '"level" must be a logging level.')
}

/** A result of a session revision goes out as it is. */
export function asItIs(result: JsonObject | RawJson): RawJson {
  return result instanceof RawJson ? result : new RawJson(JSON.stringify(result))
}
