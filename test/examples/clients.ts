/** The official clients with everything that the examples use, behind one interface. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

type Content = Record<string, string | number | boolean>

/** The other side of a client: its user, and whoever gets the notifications. */
export interface Side {
  /** Fills in a form. Undefined declines. */
  form?(message: string): Content | undefined
  /** Opens a page. */
  page?(url: string): void
  /** The client's model. Undefined: the client has none. */
  model?(prompt: string): string
  /** The client's folders. Undefined: it has none, and no list of them. */
  roots?: { uri: string; name: string }[]
  log?(data: unknown): void
  updated?(uri: string): void
}

export interface Called {
  text: string
  structured: unknown
  isError: boolean
}

export type Reference = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }

export interface ExampleClient {
  /** The client itself. */
  readonly official: Client1 | Client2
  tools(): Promise<string[]>
  call(name: string, args?: Record<string, unknown>, onProgress?: OnProgress): Promise<Called>
  resources(): Promise<string[]>
  read(uri: string): Promise<string>
  prompt(name: string, args: Record<string, string>): Promise<string>
  complete(ref: Reference, argument: string, value: string, settled?: Record<string, string>): Promise<string[]>
  subscribe(uri: string): Promise<void>
  close(): Promise<void>
}

/** `message` is empty where the server sends none. */
type OnProgress = (message: string, progress: number) => void

export type Connect = (url: URL, side?: Side) => Promise<ExampleClient>

const info = { name: 'official', version: '1.0.0' }

function capabilitiesOf({ model, roots }: Side) {
  return { elicitation: { form: {}, url: {} }, ...(model && { sampling: {} }), ...(roots && { roots: {} }) }
}

/** The parameters of `elicitation/create`, as far as they matter here. */
function elicited(side: Side, params: { message: string; url?: unknown }) {
  if (typeof params.url === 'string') {
    side.page?.(params.url)
    return { action: 'accept' as const }
  }
  const content = side.form?.(params.message)
  return content ? { action: 'accept' as const, content } : { action: 'decline' as const }
}

function sampled(side: Side, { messages }: { messages: { content: unknown }[] }) {
  const [prompt] = [messages[0]?.content].flat() as { text?: string }[]
  const content = { type: 'text' as const, text: side.model?.(prompt?.text ?? '') ?? '' }
  return { model: 'test', role: 'assistant' as const, content }
}

function calledOf(result: Record<string, unknown>): Called {
  const content = result.content as { text?: string }[]
  return {
    text: content.map(({ text }) => text).join('\n'),
    structured: result.structuredContent,
    isError: result.isError === true,
  }
}

function progressOptions(onProgress: OnProgress | undefined) {
  if (!onProgress) return {}
  return {
    onprogress: (sent: { progress: number; message?: string | undefined }) =>
      onProgress(sent.message ?? '', sent.progress),
  }
}

/** What both clients have under the same names. */
function common(client: Client1 | Client2) {
  return {
    official: client,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri: string) => {
      const [first] = (await client.readResource({ uri })).contents
      return first && 'text' in first ? String(first.text) : ''
    },
    prompt: async (name: string, args: Record<string, string>) => {
      const content = (await client.getPrompt({ name, arguments: args })).messages[0]?.content
      return content?.type === 'text' ? content.text : ''
    },
    complete: async (ref: Reference, name: string, value: string, settled: Record<string, string> = {}) =>
      (await client.complete({ ref, argument: { name, value }, context: { arguments: settled } })).completion.values,
    close: () => client.close(),
  }
}

export const client1: Connect = async (url, side = {}) => {
  const client = new Client1(info, { capabilities: capabilitiesOf(side) })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicited(side, params))
  if (side.model) client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => sampled(side, params))
  if (side.roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: side.roots ?? [] }))
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => side.log?.(params.data))
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => side.updated?.(params.uri))
  // Its types do not allow for exactOptionalPropertyTypes.
  await client.connect(new Transport1(url) as Parameters<typeof client.connect>[0])
  return {
    ...common(client),
    call: async (name, args = {}, onProgress) => {
      return calledOf(await client.callTool({ name, arguments: args }, undefined, progressOptions(onProgress)))
    },
    subscribe: async (uri) => void (await client.subscribeResource({ uri })),
  }
}

const client2 =
  (mode: 'legacy' | { pin: string }): Connect =>
  async (url, side = {}) => {
    const client = new Client2(info, { capabilities: capabilitiesOf(side), versionNegotiation: { mode } })
    client.setRequestHandler('elicitation/create', ({ params }) => elicited(side, params))
    if (side.model) client.setRequestHandler('sampling/createMessage', ({ params }) => sampled(side, params))
    if (side.roots) client.setRequestHandler('roots/list', () => ({ roots: side.roots ?? [] }))
    client.setNotificationHandler('notifications/message', ({ params }) => side.log?.(params.data))
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => side.updated?.(params.uri))
    await client.connect(new Transport2(url))
    return {
      ...common(client),
      call: async (name, args = {}, onProgress) => {
        return calledOf(await client.callTool({ name, arguments: args }, progressOptions(onProgress)))
      },
      subscribe: async (uri) => {
        if (mode === 'legacy') await client.subscribeResource({ uri })
        else await client.listen({ resourceSubscriptions: [uri] })
      },
    }
  }

/** With sessions and without. */
export const clients: [name: string, connect: Connect][] = [
  ['1.x', client1],
  ['2.x', client2('legacy')],
  ['2.x, stateless', client2({ pin: '2026-07-28' })],
]
