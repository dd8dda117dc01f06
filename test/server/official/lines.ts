/**
 * The McpServer of the official SDK 1.x, that of 2.x, and the one of this package, for tests that run the same code with each.
 * All of them are used by the official client, so that a test sees what a client sees.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { InMemoryTransport as Transport1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { completable as completable1 } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer as McpServer1, ResourceTemplate as Template1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode as ErrorCode1,
  ListRootsRequestSchema,
  McpError as McpError1,
  UrlElicitationRequiredError as UrlError1,
} from '@modelcontextprotocol/sdk/types.js'
import {
  completable as completable2,
  ProtocolErrorCode as ErrorCode2,
  ProtocolError as McpError2,
  McpServer as McpServer2,
  ResourceTemplate as Template2,
  InMemoryTransport as Transport2,
  UrlElicitationRequiredError as UrlError2,
} from '@modelcontextprotocol/server'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import {
  completable,
  createEndpoint,
  ErrorCode,
  McpError,
  McpServer,
  ResourceTemplate,
  UrlElicitationRequiredError,
} from '../../../lib/index.ts'

type Handler = (...args: never[]) => unknown

/** What a register call returns. */
export interface AnyHandle {
  enabled: boolean
  enable(): void
  disable(): void
  remove(): void
  update(updates: object): void
  readonly [member: string]: unknown
}

/** The members that the three have in common. `tool`, `prompt` and `resource` are missing in 2.x. */
export interface AnyServer {
  registerTool(name: string, config: object, handler: Handler): AnyHandle
  registerPrompt(name: string, config: object, handler: Handler): AnyHandle
  registerResource(name: string, place: string | AnyTemplate, config: object, handler: Handler): AnyHandle
  tool(name: string, ...rest: unknown[]): AnyHandle
  prompt(name: string, ...rest: unknown[]): AnyHandle
  resource(name: string, place: string | AnyTemplate, ...rest: unknown[]): AnyHandle
  sendToolListChanged(): void
  sendPromptListChanged(): void
  sendResourceListChanged(): void
  readonly server: { sendResourceUpdated(params: { uri: string }): Promise<void> }
}

export interface AnyTemplate {
  readonly uriTemplate: { toString(): string }
  readonly listCallback: unknown
  completeCallback(variable: string): unknown
}

type Complete = (value: string, context?: { arguments?: Record<string, string> }) => string[]

/** What the client answers. */
export interface Answers {
  elicit?: (params: Record<string, unknown>) => Record<string, unknown>
  sample?: (params: Record<string, unknown>) => Record<string, unknown>
  roots?: { uri: string; name?: string }[]
}

export interface Line {
  create(options?: object): AnyServer
  template(uri: string, options: object): AnyTemplate
  completable<S extends z.ZodType>(schema: S, complete: Complete): S
  error(code: number, message: string, data?: unknown): Error
  urlError(url: string): Error
  codes: Readonly<Record<string, unknown>>
  /** The client of a server, which ends with the test. */
  connect(server: AnyServer, answers?: Answers): Promise<Client>
}

const INFO = { name: 'server', version: '1.0.0' }

function clientOf({ elicit, sample, roots }: Answers = {}): Client {
  const client = new Client(
    { name: 'client', version: '1.0.0' },
    {
      capabilities: {
        ...(elicit && { elicitation: { form: {}, url: {} } }),
        ...(sample && { sampling: {} }),
        ...(roots && { roots: {} }),
      },
    },
  )
  if (elicit) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params) as never)
  if (sample) client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => sample(params) as never)
  if (roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }))
  onTestFinished(() => client.close())
  return client
}

const official1: Line = {
  create: (options) => new McpServer1(INFO, options) as unknown as AnyServer,
  template: (uri, options) => new Template1(uri, options as never),
  completable: (schema, complete) => completable1(schema, complete as never) as never,
  error: (...args) => new McpError1(...args),
  urlError: (url) => new UrlError1([{ mode: 'url', url, message: 'Sign in', elicitationId: 'one' }]),
  codes: ErrorCode1,
  async connect(server, answers) {
    const [near, far] = Transport1.createLinkedPair()
    const client = clientOf(answers)
    await (server as unknown as McpServer1).connect(far)
    await client.connect(near)
    return client
  },
}

const official2: Line = {
  create: (options) => new McpServer2(INFO, options) as unknown as AnyServer,
  template: (uri, options) => new Template2(uri, options as never),
  completable: (schema, complete) => completable2(schema, complete as never) as never,
  error: (...args) => new McpError2(...args),
  urlError: (url) => new UrlError2([{ mode: 'url', url, message: 'Sign in', elicitationId: 'one' }]),
  codes: ErrorCode2 as unknown as Record<string, unknown>,
  async connect(server, answers) {
    const [near, far] = Transport2.createLinkedPair()
    const client = clientOf(answers)
    await (server as unknown as McpServer2).connect(far)
    await client.connect(near as never)
    return client
  },
}

const own: Line = {
  create: (options) => new McpServer(INFO, options) as unknown as AnyServer,
  template: (uri, options) => new ResourceTemplate(uri, options) as unknown as AnyTemplate,
  completable: (schema, complete) => completable(schema, complete as never),
  error: (...args) => new McpError(...args),
  urlError: (url) => new UrlElicitationRequiredError([{ mode: 'url', url, message: 'Sign in', elicitationId: 'one' }]),
  codes: ErrorCode,
  async connect(server, answers) {
    const endpoint = createEndpoint(server as unknown as McpServer)
    const client = clientOf(answers)
    onTestFinished(() => endpoint.close())
    const fetch = (url: string | URL, init?: RequestInit) => endpoint.fetch(new Request(url, init))
    const transport = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch })
    await client.connect(transport as Parameters<typeof client.connect>[0])
    return client
  },
}

/** SDK 1.x, and this package. */
export const lines1: [name: string, line: Line][] = [
  ['SDK 1.x', official1],
  ['here', own],
]

/** SDK 2.x, and this package. */
export const lines2: [name: string, line: Line][] = [
  ['SDK 2.x', official2],
  ['here', own],
]

/** SDK 1.x and 2.x, and this package. */
export const lines: [name: string, line: Line][] = [...lines1, ['SDK 2.x', official2]]

/** The text of a result. */
export function textOf({ content }: Record<string, unknown>): string {
  return (content as { text?: string }[]).map(({ text }) => text).join('\n')
}

export function text(content: string) {
  return { content: [{ type: 'text', text: content }] }
}
