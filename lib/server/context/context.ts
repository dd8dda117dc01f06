import { handled } from '../../base/promises.ts'
import { kindOf, NotJson } from '../../base/to-json.ts'
import type { AuthInfo } from '../../protocol/auth-info.ts'
import { isObject, type JsonObject, type RequestId } from '../../protocol/jsonrpc.ts'
import { isProgressToken } from '../../protocol/read.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { CreateMessageRequestParams, CreateMessageResult, LoggingLevel, Root } from '../../protocol/types.ts'
import type { Handles, KeyValues } from '../../store/values.ts'
import { compileSchema, type Schema } from '../schema/schema.ts'
import type { Asking, AskOptions, Elicited, ElicitedBy } from './asking.ts'
import type { Announcer, ClientChannel, ClientView, RequestInfo } from './client-channel.ts'
import { OfficialContext } from './official.ts'
import { ASKING } from './on-demand.ts'
import { converterOf } from './own-converter.ts'

export type { AskOptions, Elicited, ElicitedBy }

/**
 * The second argument of a handler: its client, its caller and its values. It is the same for every revision; where a
 * revision lacks a feature, the method's comment describes the effect. The members of the official SDK's contexts work as well.
 */
export class Context extends OfficialContext {
  readonly #channel: ClientChannel
  readonly #params: JsonObject | undefined
  #progress = Number.NEGATIVE_INFINITY
  #asking: Asking | undefined

  constructor(channel: ClientChannel, params: JsonObject | undefined) {
    super()
    this.#channel = channel
    this.#params = params
  }

  protected get method(): string {
    return this.#channel.method
  }

  /** `use` asks before this returns, or, where the code of asks is yet to be loaded, in the order of the calls. */
  protected ask<T>(use: (asking: Asking) => Promise<T>): Promise<T> {
    const asking = (code: NonNullable<typeof ASKING.now>) => {
      this.#asking ??= new code.Asking(this.#channel, compileSchema)
      return this.#asking
    }
    return handled(ASKING.now ? use(asking(ASKING.now)) : ASKING.load().then((code) => use(asking(code))))
  }

  /** Aborted when the call is cancelled or its instance must go. */
  get signal(): AbortSignal {
    return this.#channel.signal
  }

  get requestId(): RequestId {
    return this.#channel.requestId
  }

  /** The client's `Mcp-Session-Id`; undefined in the stateless revision, which has no sessions. */
  get sessionId(): string | undefined {
    return this.#channel.sessionId
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

  /**
   * The caller's name in all that is kept: a digest of issuer, subject, client and tenant, the same with every token. Without
   * authorization all callers share one.
   *
   * @example await ctx.announce.resourcesChanged({ to: ctx.principal })
   */
  get principal(): string {
    return this.#channel.principal
  }

  /**
   * The HTTP request that carried the call. Where another instance runs the call again, the URL is that of the call, and the
   * headers are those of the request by which the client waits for it.
   */
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

  /** Notifies clients, on every instance, of changes: all of them, or those of one principal (`to`). */
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
    return this.notify('notifications/progress', params)
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
    // JSON.stringify leaves these members out, and a message without data is none.
    const isLost = typeof data === 'function' || typeof data === 'symbol'
    if (isLost) return handled(Promise.reject(new NotJson(`params.data is ${kindOf(data)}, which JSON cannot hold.`)))
    return this.notify('notifications/message', params)
  }

  /** Sends a notification of any method on the call's stream. */
  notify(method: string, params: JsonObject = {}): Promise<void> {
    return handled(this.#channel.notify(method, params))
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
  elicit<const S extends Schema>(
    message: string,
    schema: S,
    options: AskOptions = {},
  ): Promise<Elicited<ElicitedBy<S>>> {
    const converter = converterOf(this)
    return this.ask((asking) => asking.elicit(message, schema, options, converter))
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
  elicitUrl(
    message: string,
    url: string | URL,
    options: AskOptions & { id?: string | undefined } = {},
  ): Promise<{ action: 'accept' | 'decline' | 'cancel' }> {
    return this.ask((asking) => asking.elicitUrl(message, url, options))
  }

  /**
   * Asks the client's model for a message.
   *
   * @throws MissingCapability if the client has no sampling, or `tools` are given and it has no tools in it
   * @throws AskError if the client answers with an error or not in time
   */
  sample(params: CreateMessageRequestParams, options: AskOptions = {}): Promise<CreateMessageResult> {
    return this.ask((asking) => asking.sample(params, options))
  }

  /**
   * The directories that the client works in.
   *
   * @throws MissingCapability if the client has no roots
   * @throws AskError if it answers with an error or not in time
   */
  listRoots(options: AskOptions = {}): Promise<Root[]> {
    return this.ask((asking) => asking.listRoots(options))
  }

  /**
   * Waits until the client answers a ping. The stateless revision has no ping: there it returns at once.
   *
   * @throws AskError if no answer comes in time
   */
  ping(options: Omit<AskOptions, 'key'> = {}): Promise<void> {
    return this.ask((asking) => asking.ping(options))
  }

  /**
   * Runs `fn` once for the call, however often the handler is replayed, and keeps its JSON result. In a session the result is at the
   * store where the call may run again: its tool is `durable`, only reads or is idempotent.
   *
   * @param options `single`: never twice, also where the instance died while `fn` was under way (then the call ends with an error), or
   *   where the client sends the same `requestState` twice (stateless revision)
   */
  once<T>(name: string, fn: () => T | Promise<T>, options?: { single?: boolean }): Promise<T> {
    return handled(this.#channel.once(name, fn, options))
  }

  /**
   * Turns the call of a tool with `task: { start: 'handler' }` into a task, where its client has tasks: the client gets the name of
   * the task, and the handler is run again from its begin, with the answers and the results of `ctx.once` so far.
   *
   * @returns true in the task; false where the call goes on as a call
   */
  task(): Promise<boolean> {
    return handled(this.#channel.task?.() ?? Promise.resolve(false))
  }

  /**
   * Has this process go on until `work` has settled: what may come after the answer. A drain waits for it, and a Lambda
   * environment sleeps only afterwards (behind a gateway that takes responses as a whole, the response waits, too), for
   * `session.waitUntilLimit` at most; the log names what is left then. Its failure is reported to `onError`. A handler that is
   * run again, or replayed, calls this again.
   *
   * @param work a promise. Until it settles it counts as a call of the client
   * @example ctx.waitUntil(audit.write({ tool: 'delete_note', by: ctx.auth?.subject }))
   * @throws TypeError for another value
   */
  waitUntil(work: PromiseLike<unknown>): void {
    const isPromise = isObject(work) && typeof work.then === 'function'
    if (!isPromise) throw new TypeError(`ctx.waitUntil needs a promise, not ${kindOf(work)}: call the function.`)
    this.#channel.waitUntil(work)
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
}
