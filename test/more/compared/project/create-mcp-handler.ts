/** The official SDK 2.x: its handler without sessions. */
import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { addTools } from './tools.ts'

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'compared', version: '1.0.0' })
  addTools(server)
  return server
})

const { PORT = '3000' } = process.env
createServer(toNodeHandler(handler)).listen(Number(PORT), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${PORT}/mcp`),
)
