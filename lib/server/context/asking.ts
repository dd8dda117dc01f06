/** The asks of one call: what is sent to the client, and how its answers are read. `Context` has the documentation. */
import { randomId } from '../../base/ids.ts'
import { downgradeSampling } from '../../protocol/downgrade-sampling.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { features } from '../../protocol/revisions.ts'
import type {
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitContent,
  ListRootsResult,
  Root,
} from '../../protocol/types.ts'
import { formSchema } from '../schema/form.ts'
import type { compileSchema, OutputOf, Schema, ToJsonSchema } from '../schema/schema.ts'
import type { AskMethod, ClientChannel } from './client-channel.ts'
import { requireElicitation, requireSampling } from './client-features.ts'
import { AskError, MissingCapability } from './errors.ts'
import { AskKeys, sendAsk } from './send-ask.ts'

export { answerOf, parsedBy } from './official-answers.ts'

export interface AskOptions {
  /**
   * The name of the answer, where handlers are replayed (stateless revision). Give one where the order of the asks may
   * differ from run to run. Default: the kind and its ordinal in the call, such as `elicit-1`.
   */
  key?: string | undefined
  /** How long to wait, in ms. Default: the endpoint's. Calls of the stateless revision do not wait. */
  timeout?: number | undefined
  /** Ends the wait, and cancels the client's work on the answer. Calls of the stateless revision do not wait. */
  signal?: AbortSignal | undefined
}

/** The user's answer to a form. */
export type Elicited<Content> =
  | { action: 'accept'; content: Content }
  | { action: 'decline' | 'cancel'; content?: undefined }

/** The content of an answer to a form of this schema. */
export type ElicitedBy<S extends Schema> = string extends keyof OutputOf<S> ? ElicitContent : OutputOf<S>

type Kind = 'elicit' | 'sample' | 'roots' | 'ping'

export class Asking {
  readonly #channel: ClientChannel
  readonly #compile: typeof compileSchema
  readonly #ordinals = new AskKeys()
  readonly #keys = new Set<string>()

  /** @param compile is given, since it belongs to the code of the start, and this is loaded later */
  constructor(channel: ClientChannel, compile: typeof compileSchema) {
    this.#channel = channel
    this.#compile = compile
  }

  async elicit<S extends Schema>(
    message: string,
    schema: S,
    options: AskOptions,
    toJsonSchema?: ToJsonSchema,
  ): Promise<Elicited<ElicitedBy<S>>> {
    requireElicitation(this.#channel.client, this.#channel.revision, 'form')
    const { json, check } = this.#compile(schema, 'input', 'The schema of ctx.elicit', toJsonSchema)
    const requestedSchema = formSchema(json, this.#channel.revision)
    const mode = features(this.#channel.revision).elicitationModes ? { mode: 'form' } : {}
    const params = { ...mode, message, requestedSchema }
    const { action, content } = await this.#ask('elicit', 'elicitation/create', params, options)
    if (action !== 'accept') return { action: action as 'decline' | 'cancel' }
    const checked = await check(content ?? {})
    if (!checked.ok) throw new AskError('invalid', `The client's answer does not fit the form: ${checked.problems}`)
    return { action, content: checked.value as ElicitedBy<S> }
  }

  async elicitUrl(
    message: string,
    url: string | URL,
    options: AskOptions & { id?: string | undefined },
  ): Promise<{ action: 'accept' | 'decline' | 'cancel' }> {
    requireElicitation(this.#channel.client, this.#channel.revision, 'url')
    const params: JsonObject = { mode: 'url', message, url: String(url) }
    if (features(this.#channel.revision).elicitationIds) params.elicitationId = options.id ?? randomId(16)
    const { action } = await this.#ask('elicit', 'elicitation/create', params, options)
    return { action: action as 'accept' | 'decline' | 'cancel' }
  }

  async sample(params: CreateMessageRequestParams, options: AskOptions): Promise<CreateMessageResult> {
    const allowed = requireSampling(this.#channel.client, this.#channel.revision, params)
    const request = downgradeSampling(allowed, this.#channel.revision)
    return (await this.#ask('sample', 'sampling/createMessage', request, options)) as CreateMessageResult
  }

  async listRoots(options: AskOptions): Promise<Root[]> {
    if (!this.#channel.client.capabilities.roots) throw new MissingCapability({ roots: {} })
    const { roots } = (await this.#ask('roots', 'roots/list', undefined, options)) as ListRootsResult
    return roots
  }

  async ping(options: Omit<AskOptions, 'key'>): Promise<void> {
    if (features(this.#channel.revision).sessions) await this.#ask('ping', 'ping', undefined, options)
  }

  /**
   * A request in the words of the protocol, as servers of the official SDK send it.
   *
   * @returns the client's result as it came; its shape is checked
   * @throws TypeError for a method that clients do not have
   */
  async request(method: string, params: JsonObject = {}, options: AskOptions): Promise<JsonObject> {
    const { client, revision } = this.#channel
    switch (method) {
      case 'elicitation/create': {
        const mode = params.mode === 'url' ? 'url' : 'form'
        requireElicitation(client, revision, mode)
        const { elicitationModes, elicitationIds } = features(revision)
        const request: JsonObject = { ...params }
        if (mode === 'form')
          request.requestedSchema = formSchema(isObject(params.requestedSchema) ? params.requestedSchema : {}, revision)
        else if (elicitationIds) request.elicitationId ??= randomId(16)
        else delete request.elicitationId
        if (elicitationModes) request.mode = mode
        else delete request.mode
        return this.#ask('elicit', method, request, options)
      }
      case 'sampling/createMessage':
        return this.sample(params as CreateMessageRequestParams, options)
      case 'roots/list':
        return { roots: await this.listRoots(options) }
      case 'ping':
        await this.ping(options)
        return {}
    }
    const known = 'elicitation/create, sampling/createMessage, roots/list and ping'
    throw new TypeError(`A handler cannot send ${JSON.stringify(method)} to its client: clients answer ${known}.`)
  }

  #ask(kind: Kind, method: AskMethod, params: JsonObject | undefined, options: AskOptions): Promise<JsonObject> {
    const key = this.#key(kind, options.key)
    const { timeout, signal } = options
    signal?.throwIfAborted()
    return sendAsk(this.#channel, { method, params, key, timeout, signal })
  }

  #key(kind: Kind, given: string | undefined): string {
    const next = this.#ordinals.next(kind)
    const key = given ?? next
    if (this.#keys.has(key)) throw new TypeError(`Two asks of one call have the key "${key}".`)
    this.#keys.add(key)
    return key
  }
}
