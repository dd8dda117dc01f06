/** The official client, connected in one of the two kinds of revision. */
import {
  Client,
  type CreateMessageRequest,
  type CreateMessageResult,
  type ElicitRequest,
  type ElicitResult,
  type Implementation,
  type ListRootsResult,
  LOG_LEVEL_META_KEY,
  type LoggingLevel,
  type McpSubscription,
  type Prompt,
  type Resource,
  type ResourceTemplateType,
  type ServerCapabilities,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client'
import { LATEST_SESSION_REVISION, STATELESS_REVISION } from '../../protocol/revisions.ts'
import { PAGE_HEADER } from '../about.ts'
import type { JsonObject } from './forms/json.ts'
import type { Wire } from './wire.ts'

export const REVISIONS = { session: LATEST_SESSION_REVISION, stateless: STATELESS_REVISION } as const
export type Era = keyof typeof REVISIONS

/** What is asked, and by which request of the server. */
export interface AskContext {
  id: string | number
  /** Aborts when the server asks no longer. */
  signal: AbortSignal
}

/** The person who answers. A promise that rejects declines what has no answer for it. */
export interface Person {
  elicit(params: ElicitRequest['params'], context: AskContext): Promise<ElicitResult>
  sample(params: CreateMessageRequest['params'], context: AskContext): Promise<CreateMessageResult>
  listRoots(context: AskContext): Promise<ListRootsResult>
  /** The lists of the server have changed. */
  listsChanged(): void
  /** A resource that is subscribed to has changed. */
  resourceUpdated(uri: string): void
  /** The person is done with the page of a URL elicitation. */
  elicitationCompleted(): void
}

/** What the server offers to this visitor. */
export interface Offer {
  info: Implementation | undefined
  instructions: string | undefined
  capabilities: ServerCapabilities
  tools: Tool[]
  prompts: Prompt[]
  resources: Resource[]
  templates: ResourceTemplateType[]
}

interface CallOptions {
  /** The number of the run, under which the wire records it. */
  number: number
  signal: AbortSignal
}

/** A person takes as long as he takes. The endpoint has its own limit. */
const PATIENCE = 24 * 60 * 60 * 1_000
const RECONNECTION = {
  initialReconnectionDelay: 300,
  maxReconnectionDelay: 5_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 20,
}

export class Connection {
  readonly era: Era
  readonly #client: Client
  readonly #transport: StreamableHTTPClientTransport
  #level: LoggingLevel
  #subscriptions = new Map<string, McpSubscription | undefined>()

  constructor(url: URL, era: Era, token: string | undefined, level: LoggingLevel, wire: Wire, person: Person) {
    this.era = era
    this.#level = level
    const revision = REVISIONS[era]
    const onChanged = () => person.listsChanged()
    const changed = { autoRefresh: false, onChanged }
    this.#client = new Client(
      { name: 'mcp-anywhere-page', title: 'The page of the endpoint', version: '1.0.0' },
      {
        capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
        versionNegotiation: { mode: era === 'stateless' ? { pin: revision } : 'legacy' },
        ...(era === 'session' && { supportedProtocolVersions: [revision] }),
        listChanged: { tools: changed, prompts: changed, resources: changed },
      },
    )
    const client = this.#client
    const contextOf = ({ mcpReq: { id, signal } }: { mcpReq: AskContext }): AskContext => ({ id, signal })
    client.setRequestHandler('elicitation/create', ({ params }, ctx) => person.elicit(params, contextOf(ctx)))
    client.setRequestHandler('sampling/createMessage', ({ params }, ctx) => person.sample(params, contextOf(ctx)))
    client.setRequestHandler('roots/list', (_request, ctx) => person.listRoots(contextOf(ctx)))
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => person.resourceUpdated(params.uri))
    client.setNotificationHandler('notifications/elicitation/complete', () => person.elicitationCompleted())
    this.#transport = new StreamableHTTPClientTransport(url, {
      fetch: wire.fetch,
      reconnectionOptions: RECONNECTION,
      ...(token !== undefined && { authProvider: { token: async () => token } }),
    })
  }

  /** Connects, and reads what the server offers. */
  async open(): Promise<Offer> {
    await this.#client.connect(this.#transport)
    await this.setLevel(this.#level)
    return this.offer()
  }

  async offer(): Promise<Offer> {
    const client = this.#client
    const [tools, prompts, resources, templates] = await Promise.all([
      client.listTools(undefined, { cacheMode: 'refresh' }),
      client.listPrompts(undefined, { cacheMode: 'refresh' }),
      client.listResources(undefined, { cacheMode: 'refresh' }),
      client.listResourceTemplates(undefined, { cacheMode: 'refresh' }),
    ])
    return {
      info: client.getServerVersion(),
      instructions: client.getInstructions(),
      capabilities: client.getServerCapabilities() ?? {},
      tools: tools.tools,
      prompts: prompts.prompts,
      resources: resources.resources,
      templates: templates.resourceTemplates,
    }
  }

  /** The least severe log messages that the server sends. Without a session, each call says it. */
  async setLevel(level: LoggingLevel): Promise<void> {
    this.#level = level
    if (this.era === 'session' && this.#client.getServerCapabilities()?.logging)
      await this.#client.setLoggingLevel(level)
  }

  call(tool: Tool, values: JsonObject, options: CallOptions): Promise<unknown> {
    // The server checks its own results; the page shows what came.
    const { outputSchema: _, ...toolDefinition } = tool
    const params = { name: tool.name, arguments: values, ...this.#meta }
    return this.#client.callTool(params, { ...this.#options(options), toolDefinition })
  }

  getPrompt(name: string, values: Record<string, string>, options: CallOptions): Promise<unknown> {
    return this.#client.getPrompt({ name, arguments: values, ...this.#meta }, this.#options(options))
  }

  read(uri: string, options: CallOptions): Promise<unknown> {
    return this.#client.readResource({ uri, ...this.#meta }, { ...this.#options(options), cacheMode: 'refresh' })
  }

  /** Suggestions for an argument; none where the server has none. */
  async complete(ref: CompletionRef, name: string, typed: string, others: Record<string, string>): Promise<string[]> {
    if (!this.#client.getServerCapabilities()?.completions) return []
    const context = { arguments: others }
    const { completion } = await this.#client.complete({ ref, argument: { name, value: typed }, context })
    return completion.values
  }

  isSubscribed(uri: string): boolean {
    return this.#subscriptions.has(uri)
  }

  async subscribe(uri: string): Promise<void> {
    if (this.era === 'session') {
      await this.#client.subscribeResource({ uri })
      this.#subscriptions.set(uri, undefined)
    } else this.#subscriptions.set(uri, await this.#client.listen({ resourceSubscriptions: [uri] }))
  }

  async unsubscribe(uri: string): Promise<void> {
    const subscription = this.#subscriptions.get(uri)
    this.#subscriptions.delete(uri)
    if (this.era === 'session') await this.#client.unsubscribeResource({ uri })
    else await subscription?.close()
  }

  /** Ends the session and the streams. */
  async close(): Promise<void> {
    if (this.era === 'session') await this.#transport.terminateSession().catch(() => {})
    await this.#client.close().catch(() => {})
  }

  get #meta(): { _meta?: Record<string, unknown> } {
    return this.era === 'stateless' ? { _meta: { [LOG_LEVEL_META_KEY]: this.#level } } : {}
  }

  #options({ number, signal }: CallOptions) {
    // With a function for progress the client sends a token for it. The wire has the messages.
    const onprogress = () => {}
    return { signal, timeout: PATIENCE, onprogress, headers: { [PAGE_HEADER]: String(number) } }
  }
}

export type CompletionRef = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }
