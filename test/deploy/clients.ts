/** The official clients behind one small interface, so that the same test runs with each of them. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'

export interface Progress {
  progress: number
  message?: string | undefined
}

export interface OfficialClient {
  tools(): Promise<string[]>
  /** The text of the result. */
  call(name: string, args?: Record<string, unknown>, onProgress?: (progress: Progress) => void): Promise<string>
  /** Ends the session, where there is one. */
  end(): Promise<void>
  close(): Promise<void>
}

/** The user's answer to an elicitation. */
export type User = (message: string) => Record<string, string | number | boolean>

export type Connect = (url: URL, user?: User) => Promise<OfficialClient>

const info = { name: 'official', version: '1.0.0' }
const capabilities = { elicitation: {} }
const patient = { timeout: 120_000 }
/** As the defaults of the clients, but with shorter delays where the server sends no `retry`. */
const reconnectionOptions = {
  initialReconnectionDelay: 100,
  maxReconnectionDelay: 1_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 20,
}
const nobody: User = () => {
  throw new Error('This test expects no elicitation.')
}

export const connect1: Connect = async (url, user = nobody) => {
  const client = new Client1(info, { capabilities })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ action: 'accept', content: user(params.message) }))
  const transport = new Transport1(url, { reconnectionOptions })
  // The types of the client do not compile with exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, onprogress) =>
      textOf(
        await client.callTool({ name, arguments: args }, undefined, { ...patient, ...(onprogress && { onprogress }) }),
      ),
    end: () => transport.terminateSession(),
    close: () => client.close(),
  }
}

/** `mode`: `legacy` is a session of 2025-11-25. */
const connect2 =
  (mode: 'legacy' | { pin: string }): Connect =>
  async (url, user) => {
    const { client, transport } = await client2(url, mode, user)
    return {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args = {}, onprogress) =>
        textOf(await client.callTool({ name, arguments: args }, { ...patient, ...(onprogress && { onprogress }) })),
      end: () => transport.terminateSession(),
      close: () => client.close(),
    }
  }

/** The 2.x client itself, for methods that the interface lacks. */
export async function client2(url: URL, mode: 'legacy' | { pin: string }, user: User = nobody) {
  const client = new Client2(info, { capabilities, versionNegotiation: { mode } })
  client.setRequestHandler('elicitation/create', ({ params }) => ({ action: 'accept', content: user(params.message) }))
  const transport = new Transport2(url, { reconnectionOptions })
  await client.connect(transport)
  return { client, transport }
}

/** Clients with a session. */
export const sessionClients: Record<string, Connect> = { '1.x': connect1, '2.x': connect2('legacy') }
export const statelessClient: Connect = connect2({ pin: '2026-07-28' })

function textOf(result: Record<string, unknown>): string {
  const [first] = result.content as { text?: string }[]
  return first?.text ?? ''
}
