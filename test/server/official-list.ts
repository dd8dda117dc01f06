/** What the official servers list, asked by their own clients. */
import { Client as Client2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as Transport1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer as Server1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as Server2, InMemoryTransport as Transport2 } from '@modelcontextprotocol/server'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'

const INFO = { name: 'official', version: '1' }

/** The tool, as a server of SDK 1.x lists it with this configuration. */
export async function listedBySdk1(config: object): Promise<JsonObject> {
  const server = new Server1(INFO)
  server.registerTool('tool', config, (() => ({ content: [] })) as never)
  const client = new Client1(INFO)
  const [near, far] = Transport1.createLinkedPair()
  await Promise.all([server.connect(far), client.connect(near)])
  const { tools } = await client.listTools()
  await client.close()
  return tools[0] as unknown as JsonObject
}

/** The tool, as a server of SDK 2.x lists it. */
export async function listedBySdk2(config: object): Promise<JsonObject> {
  const server = new Server2(INFO)
  server.registerTool('tool', config as never, (() => ({ content: [] })) as never)
  const client = new Client2(INFO)
  const [near, far] = Transport2.createLinkedPair()
  await Promise.all([server.connect(far), client.connect(near as never)])
  const { tools } = await client.listTools()
  await client.close()
  return tools[0] as unknown as JsonObject
}
