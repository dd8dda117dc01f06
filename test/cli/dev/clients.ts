/** The official clients of `dev`. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Inbox } from '../../store/contract/support.ts'
import type { Who } from './project.ts'

export interface DevClient {
  /** What the tool reports. */
  call(name: string, args?: object, onprogress?: () => void): Promise<Who & { answer?: unknown }>
  tools(): Promise<string[]>
  read(uri: string): Promise<string>
  subscribe(uri: string): Promise<unknown>
  /** The methods of the notifications that have arrived. */
  readonly notices: Inbox<string>
  readonly sessionId: string | undefined
  close(): Promise<void>
}

interface Result {
  content: { text: string }[]
  isError?: boolean
}

function reported(result: unknown): Who & { answer?: unknown } {
  const { content, isError } = result as Result
  if (isError) throw new Error(content[0]?.text)
  return JSON.parse(content[0]?.text ?? 'null') as Who
}

const answer = { action: 'accept' as const, content: { number: 7 } }

export async function sdk1(url: URL): Promise<DevClient> {
  const client = new Client1({ name: 'one', version: '1' }, { capabilities: { elicitation: {} } })
  const notices = new Inbox<string>()
  client.setRequestHandler(ElicitRequestSchema, () => answer)
  client.fallbackNotificationHandler = async ({ method }) => notices.add(method)
  const transport = new Transport1(url)
  await client.connect(transport as never)
  return {
    call: async (name, args = {}, onprogress) =>
      reported(
        await client.callTool({ name, arguments: { ...args } }, undefined, { ...(onprogress && { onprogress }) }),
      ),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    read: async (uri) =>
      (await client.readResource({ uri })).contents.map((part) => String('text' in part && part.text)).join(),
    subscribe: (uri) => client.subscribeResource({ uri }),
    notices,
    get sessionId() {
      return transport.sessionId
    },
    close: () => client.close(),
  }
}

/** A client of 2026-07-28 has no session, and listens for changes of the list of tools. */
export async function stateless(url: URL): Promise<DevClient> {
  return sdk2(url, 'auto')
}

export async function sdk2(url: URL, mode: 'legacy' | 'auto' = 'legacy'): Promise<DevClient> {
  const client = new Client2(
    { name: 'two', version: '1' },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode } },
  )
  const notices = new Inbox<string>()
  client.setRequestHandler('elicitation/create', () => answer)
  client.fallbackNotificationHandler = async ({ method }) => notices.add(method)
  const transport = new Transport2(url)
  await client.connect(transport)
  if (mode === 'auto') await client.listen({ toolsListChanged: true })
  return {
    call: async (name, args = {}, onprogress) =>
      reported(await client.callTool({ name, arguments: { ...args } }, { ...(onprogress && { onprogress }) })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    read: async (uri) =>
      (await client.readResource({ uri })).contents.map((part) => String('text' in part && part.text)).join(),
    subscribe: (uri) => client.subscribeResource({ uri }),
    notices,
    get sessionId() {
      return transport.sessionId
    },
    close: () => client.close(),
  }
}
