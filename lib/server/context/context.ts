import { randomId } from '../../base/ids.ts'
import type { AuthInfo } from '../../protocol/auth-info.ts'
import { downgradeSampling } from '../../protocol/downgrade.ts'
import { isObject, type JsonObject, type RequestId } from '../../protocol/jsonrpc.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type {
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitContent,
  ListRootsResult,
  LoggingLevel,
  ProgressToken,
  Root,
} from '../../protocol/types.ts'
import type { Handles, KeyValues } from '../../store/values.ts'
import { formSchema } from '../schema/form.ts'
import { compileSchema, type OutputOf, type Schema, type StandardSchema } from '../schema/schema.ts'
import { isAnswer } from './answers.ts'
import type { Announcer, Ask, ClientChannel, ClientView, RequestInfo } from './client-channel.ts'
import { requireElicitation, requireSampling } from './client-features.ts'
import { AskError, MissingCapability } from './errors.ts'

export interface AskOptions {
  /**
   * The name of the answer, where handlers are replayed (stateless revision). Give one where the order of the asks may
   * differ from run to run. Default: the kind and its ordinal in the call, such as `elicit-1`.
   */
  key?: string | undefined
  /** How long to wait, in ms. Default: the endpoint's. Calls of the stateless revision do not wait. */
  timeout?: number | undefined
}

/** The user's answer to a form. */
export type Elicited<Content> =
  | { action: 'accept'; content: Content }
  | { action: 'decline' | 'cancel'; content?: undefined }

/** The content of an answer to a form of this schema. */
export type ElicitedBy<S extends Schema> = S extends StandardSchema ? OutputOf<S> : ElicitContent

type Kind = 'elicit' | 'sample' | 'roots' | 'ping'

/**
 * The second argument of a handler: its client, its caller and its values. It is the same for every revision; where a
 * revision lacks a feature, the method's comment describes the effect.
 */
export class Context {
  readonly #channel: ClientChannel
  readonly #params: JsonObject | undefined
  #progress = Number.NEGATIVE_INFINITY
  #keys: Set<string> | undefined
  #ordinals: Map<Kind, number> | undefined

  constructor(channel: ClientChannel, params: JsonObject | undefined) {
    this.#channel = channel
    this.#params = params
  }

  /** Aborted when the call is cancelled or its instance must go. */
  get signal(): AbortSignal {
    return this.#channel.signal
  }

  get requestId(): RequestId {
    return this.#channel.requestId
  }

  get revision(): Revision {
    return this.#channel.revision
  }

  /** The client's own description. It proves nothing. Only asks of its capabilities can reach the client. */
  get client(): ClientView {
    return this.#channel.client
  }

  /** The caller; undefined where the endpoint has no authorization. */
  get auth(): AuthInfo | undefined {
    return this.#channel.auth
  }

  /** The HTTP request that carried the call. */
  get request(): RequestInfo {
    return this.#channel.request
  }

  /** `_meta` of the request. */
  get meta(): JsonObject | undefined {
    const meta = this.#params?._meta
    return isObject(meta) ? meta : undefined
  }

  /** Values kept for the session; undefined in the stateless revision, which has none. */
  get session(): KeyValues | undefined {
    return this.#channel.session
  }

  /**
   * Values kept for the caller, over all its sessions and clients, for 90 days after they were last read or written.
   * Without authorization all callers share them.
   */
  get user(): KeyValues {
    return this.#channel.user
  }

  /** Values kept behind unguessable names that only this caller can use. */
  get handles(): Handles {
    return this.#channel.handles
  }

  /** Notifies clients, on every instance, of changes. */
  get announce(): Announcer {
    return this.#channel.announce
  }

  /**
   * Reports the progress of the call. It sends nothing to a client that did not ask for progress, and no value that is
   * not greater than the last.
   *
   * @param message text for people; left out in 2024-11-05
   */
  progress(progress: number, total?: number, message?: string): Promise<void> {
    const token = this.meta?.progressToken
    if (!isProgressToken(token) || !(progress > this.#progress) || !Number.isFinite(progress)) return Promise.resolve()
    this.#progress = progress
    const params: JsonObject = { progressToken: token, progress }
    if (total !== undefined) params.total = total
    if (message !== undefined && features(this.revision).progressMessage) params.message = message
    return this.#channel.notify('notifications/progress', params)
  }

  /**
   * Sends a log message, if the client wants this level.
   *
   * @param data any JSON value; never a secret
   */
  log(level: LoggingLevel, data: unknown, logger?: string): Promise<void> {
    if (!this.#channel.wants(level)) return Promise.resolve()
    const params: JsonObject = { level, data: data ?? null }
    if (logger !== undefined) params.logger = logger
    return this.#channel.notify('notifications/message', params)
  }

  /** Sends a notification of any method on the call's stream. */
  notify(method: string, params: JsonObject = {}): Promise<void> {
    return this.#channel.notify(method, params)
  }

  /**
   * Asks the user to fill in a form.
   *
   * @param schema an object of strings, numbers, booleans and choices. The answer is checked against all of it, also
   *   against keywords that a form cannot have
   * @throws MissingCapability if the client has no forms
   * @throws AskError if it answers with an error, not in time, or with content that does not fit the schema
   * @throws TypeError if the schema cannot be a form
   */
  async elicit<const S extends Schema>(
    message: string,
    schema: S,
    options: AskOptions = {},
  ): Promise<Elicited<ElicitedBy<S>>> {
    requireElicitation(this.client, this.revision, 'form')
    const { json, check } = compileSchema(schema, 'input', 'The schema of ctx.elicit')
    const requestedSchema = formSchema(json, this.revision)
    const mode = features(this.revision).elicitationModes ? { mode: 'form' } : {}
    const params = { ...mode, message, requestedSchema }
    const { action, content } = await this.#ask('elicit', 'elicitation/create', params, options)
    if (action !== 'accept') return { action: action as 'decline' | 'cancel' }
    const checked = await check(content ?? {})
    if (!checked.ok) throw new AskError('invalid', `The client's answer does not fit the form: ${checked.problems}`)
    return { action, content: checked.value as ElicitedBy<S> }
  }

  /**
   * Asks the user to open a page, for data that must not pass through the client. `accept` means that the user agreed
   * to open the page, not that the user finished there.
   *
   * @param options `id` names the elicitation for `endpoint.elicitationCompleted(id)`; only 2025-11-25 has such a name.
   *   Default: a random one
   * @throws MissingCapability if the client cannot open pages: any before 2025-11-25
   * @throws AskError if the client answers with an error or not in time
   */
  async elicitUrl(
    message: string,
    url: string | URL,
    options: AskOptions & { id?: string | undefined } = {},
  ): Promise<{ action: 'accept' | 'decline' | 'cancel' }> {
    requireElicitation(this.client, this.revision, 'url')
    const params: JsonObject = { mode: 'url', message, url: String(url) }
    if (features(this.revision).elicitationIds) params.elicitationId = options.id ?? randomId(16)
    const { action } = await this.#ask('elicit', 'elicitation/create', params, options)
    return { action: action as 'accept' | 'decline' | 'cancel' }
  }

  /**
   * Asks the client's model for a message.
   *
   * @throws MissingCapability if the client has no sampling, or `tools` are given and it has no tools in it
   * @throws AskError if the client answers with an error or not in time
   */
  async sample(params: CreateMessageRequestParams, options: AskOptions = {}): Promise<CreateMessageResult> {
    const allowed = requireSampling(this.client, this.revision, params)
    const request = downgradeSampling(allowed, this.revision)
    return (await this.#ask('sample', 'sampling/createMessage', request, options)) as CreateMessageResult
  }

  /**
   * The directories that the client works in.
   *
   * @throws MissingCapability if the client has no roots
   * @throws AskError if it answers with an error or not in time
   */
  async listRoots(options: AskOptions = {}): Promise<Root[]> {
    if (this.client.capabilities.roots === undefined) throw new MissingCapability({ roots: {} })
    const { roots } = (await this.#ask('roots', 'roots/list', undefined, options)) as ListRootsResult
    return roots
  }

  /**
   * Waits until the client answers a ping. The stateless revision has no ping: there it returns at once.
   *
   * @throws AskError if no answer comes in time
   */
  async ping(options: { timeout?: number | undefined } = {}): Promise<void> {
    if (features(this.revision).sessions) await this.#ask('ping', 'ping', undefined, options)
  }

  /**
   * Runs `fn` once for the call, however often the handler is replayed, and keeps its JSON result.
   *
   * @param options `single`: once even if the client sends the same `requestState` twice (stateless revision)
   */
  once<T>(name: string, fn: () => T | Promise<T>, options?: { single?: boolean }): Promise<T> {
    return this.#channel.once(name, fn, options)
  }

  /**
   * Ends the connection while the call goes on; the client comes back for the rest (2025-11-25). It has no effect in
   * other revisions.
   *
   * @param retryMs how long the client should wait before it comes back, in ms
   */
  closeStream(retryMs?: number): void {
    this.#channel.closeStream(retryMs)
  }

  /** It awaits nothing before `channel.ask`, so that the asks of one turn go out together. */
  #ask(kind: Kind, method: Ask['method'], params: JsonObject | undefined, options: AskOptions): Promise<JsonObject> {
    const key = this.#key(kind, options.key)
    return this.#channel.ask({ method, params, key, timeout: options.timeout }).then((answer) => {
      if (isAnswer(method, answer)) return answer
      throw new AskError('invalid', `The client's answer to ${method} has the wrong shape.`)
    })
  }

  #key(kind: Kind, given: string | undefined): string {
    this.#keys ??= new Set()
    this.#ordinals ??= new Map()
    const ordinal = (this.#ordinals.get(kind) ?? 0) + 1
    this.#ordinals.set(kind, ordinal)
    const key = given ?? `${kind}-${ordinal}`
    if (this.#keys.has(key)) throw new TypeError(`Two asks of one call have the key "${key}".`)
    this.#keys.add(key)
    return key
  }
}

export function isProgressToken(value: unknown): value is ProgressToken {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
}
