/**
 * The members that a context shares with those of the official SDK: with `extra` of 1.x, and with `ctx` of 2.x. Each is made when
 * it is read, and functions work without their object: authors write `async (args, { sendNotification }) => …`.
 */
import { handled } from '../../base/promises.ts'
import type { AuthInfo } from '../../protocol/auth-info.ts'
import type { JsonObject, RequestId } from '../../protocol/jsonrpc.ts'
import { META } from '../../protocol/meta.ts'
import type { RequestMeta } from '../../protocol/official-types.ts'
import { isProgressToken } from '../../protocol/read.ts'
import type { LoggingLevel } from '../../protocol/types.ts'
import type { Asking, AskOptions } from './asking.ts'
import type { RequestInfo } from './client-channel.ts'
import type {
  Envelope,
  HttpContext,
  McpRequest,
  OfficialAuthInfo,
  OfficialRequestInfo,
  ResultSchema,
  SendNotification,
  SendOptions,
  SendRequest,
  SentRequest,
} from './official-types.ts'
import { ASKING } from './on-demand.ts'

/**
 * Asks the client, and returns its answer, or the error that the official SDK has in its place. `ask` is called at once: the
 * asks of one turn go out together.
 */
function answerTo<T>(ask: (options: AskOptions) => Promise<T>, options: SendOptions = {}): Promise<T> {
  const { signal } = options
  if (signal?.aborted) return handled(Promise.reject(signal.reason))
  const asking = handled(ask(askOptions(options)))
  return handled(ASKING.load().then(({ answerOf }) => answerOf(asking, signal)))
}

/** What these members are made of. */
export abstract class OfficialContext {
  abstract get auth(): AuthInfo | undefined
  abstract get meta(): JsonObject | undefined
  abstract get request(): RequestInfo
  abstract get requestId(): RequestId
  abstract get signal(): AbortSignal
  protected abstract get method(): string
  protected abstract ask<T>(use: (asking: Asking) => Promise<T>): Promise<T>
  abstract closeStream(retryMs?: number): void
  abstract log(level: LoggingLevel, data: unknown, logger?: string): Promise<void>
  abstract notify(method: string, params?: JsonObject): Promise<void>
  abstract progress(progress: number, total?: number, message?: string): Promise<void>

  // SDK 1.x

  /** SDK 1.x: the same as `meta`. */
  get _meta(): RequestMeta | undefined {
    return this.meta as RequestMeta | undefined
  }

  /** SDK 1.x: the caller. `ctx.auth` has more of it. */
  get authInfo(): OfficialAuthInfo | undefined {
    return this.auth && officialAuth(this.auth)
  }

  /** SDK 1.x: the HTTP request; undefined where there is none (stdio). */
  get requestInfo(): OfficialRequestInfo | undefined {
    const { headers, url } = this.request
    return url && { headers: Object.fromEntries(headers), url }
  }

  /**
   * SDK 1.x: sends a notification. A log message goes out where the client wants its level, and progress only with a token and
   * where it is more than the last.
   */
  get sendNotification(): SendNotification {
    return ({ method, params }) => this.#send(method, params)
  }

  /**
   * SDK 1.x: asks the client, and parses its result. It works as `ctx.elicit`, `ctx.sample`, `ctx.listRoots` and `ctx.ping`, in
   * every revision.
   *
   * @throws McpError where the client answers with an error, or not in time; TypeError for another method
   */
  get sendRequest(): SendRequest {
    return (request: SentRequest, schema: object, options?: SendOptions) => {
      const problem = 'The second argument of sendRequest must be a schema of the result, such as ElicitResultSchema.'
      const sent = isSchema(schema) ? this.#ask(request, schema, options) : Promise.reject(new TypeError(problem))
      return handled(sent) as Promise<never>
    }
  }

  /** SDK 1.x: the same as `closeStream`. */
  get closeSSEStream(): () => void {
    return () => this.closeStream()
  }

  // SDK 2.x

  /** SDK 2.x: the request, and what may be sent to its client. */
  get mcpReq(): McpRequest {
    const { meta, envelope } = withoutEnvelope(this.meta)
    return {
      id: this.requestId,
      method: this.method,
      _meta: meta,
      envelope,
      signal: this.signal,
      requestState: () => undefined,
      send: (request: SentRequest, second?: object, third?: SendOptions) => {
        const [schema, options] = isSchema(second) ? [second, third] : [undefined, second as SendOptions | undefined]
        return handled(this.#ask(request, schema, options)) as Promise<never>
      },
      notify: ({ method, params }) => this.#send(method, params),
      log: (level, data, logger) => this.log(level, data, logger),
      elicitInput: (params, options) => {
        if (params.mode !== 'url') {
          return answerTo(
            (given) => this.ask((asking) => asking.elicit(params.message, params.requestedSchema, given)),
            options,
          )
        }
        const { message, url, elicitationId: id } = params
        return answerTo((given) => this.ask((asking) => asking.elicitUrl(message, url, { ...given, id })), options)
      },
      requestSampling: (params, options) =>
        answerTo((given) => this.ask((asking) => asking.sample(params, given)), options),
    }
  }

  /** SDK 2.x: the HTTP request; undefined where there is none (stdio). */
  get http(): HttpContext | undefined {
    const { headers, url } = this.request
    return (
      url && {
        authInfo: this.authInfo,
        req: officialRequest(url, headers),
        closeSSE: () => this.closeStream(),
      }
    )
  }

  #send(method: string, params: object = {}): Promise<void> {
    const { progressToken, progress, total, message, level, data, logger } = params as JsonObject
    if (method === 'notifications/message') return this.log(level as LoggingLevel, data, logger as string | undefined)
    if (method !== 'notifications/progress') return this.notify(method, params as JsonObject)
    if (!isProgressToken(progressToken)) return Promise.resolve()
    if (progressToken !== this.meta?.progressToken) return this.notify(method, params as JsonObject)
    return this.progress(progress as number, total as number | undefined, message as string | undefined)
  }

  #ask(
    { method, params }: SentRequest,
    schema: ResultSchema | undefined,
    options: SendOptions | undefined,
  ): Promise<unknown> {
    const answer = answerTo(
      (given) => this.ask((asking) => asking.request(method, params as JsonObject | undefined, given)),
      options,
    )
    if (schema === undefined) return answer
    return answer.then(async (result) => (await ASKING.load()).parsedBy(schema, result, method))
  }
}

/** The request of a call without its body, which has been read. */
export function officialRequest(url: URL, headers: Headers): Request {
  return new Request(url, { method: 'POST', headers })
}

/** The caller as the official SDK describes it. */
export function officialAuth({ token, clientId = '', scopes, expiresAt, claims }: AuthInfo): OfficialAuthInfo {
  const { aud } = claims
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  const info: OfficialAuthInfo = { token, clientId, scopes: [...scopes], extra: { ...claims } }
  if (expiresAt !== undefined) info.expiresAt = expiresAt
  if (typeof audience === 'string' && URL.canParse(audience)) info.resource = new URL(audience)
  return info
}

const ENVELOPE: readonly string[] = [META.protocolVersion, META.clientCapabilities, META.clientInfo, META.logLevel]

/** Parts `_meta` as SDK 2.x does. Either part is undefined where it has no member. */
export function withoutEnvelope(given: JsonObject = {}): {
  meta?: RequestMeta | undefined
  envelope?: Envelope | undefined
} {
  const part = (isReserved: boolean) => {
    const members = Object.entries(given).filter(([name]) => ENVELOPE.includes(name) === isReserved)
    return members.length > 0 ? Object.fromEntries(members) : undefined
  }
  return { meta: part(false), envelope: part(true) }
}

function askOptions({ timeout = Number.POSITIVE_INFINITY, maxTotalTimeout, key, signal }: SendOptions): AskOptions {
  const time = Math.min(timeout, maxTotalTimeout ?? Number.POSITIVE_INFINITY)
  return { key, timeout: Number.isFinite(time) ? time : undefined, signal }
}

function isSchema(value: unknown): value is ResultSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return '~standard' in value || 'safeParse' in value || 'parse' in value
}
