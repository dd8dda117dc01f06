/** The official SDK 1.x in Express, with a session for each transport, as its documentation shows. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import express, { type Request, type Response } from 'express'

function createServer(): McpServer {
  const server = new McpServer({ name: 'compared', version: '1.0.0' })
  server.registerTool('plain', {}, async () => ({ content: [{ type: 'text', text: 'done' }] }))
  server.registerTool('ask', {}, async () => {
    const { content } = await server.server.elicitInput({
      message: 'How many?',
      requestedSchema: { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] },
    })
    return { content: [{ type: 'text', text: String(content?.count) }] }
  })
  server.registerTool('slow', { annotations: { readOnlyHint: true } }, async (extra) => {
    for (let progress = 1; progress <= 10; progress++) {
      await sleep(200)
      const progressToken = extra._meta?.progressToken ?? ''
      const params = { progressToken, progress, message: String(process.pid) }
      await extra.sendNotification({ method: 'notifications/progress', params })
    }
    return { content: [{ type: 'text', text: String(process.pid) }] }
  })
  return server
}

const app = express()
app.use(express.json())
const transports = new Map<string, StreamableHTTPServerTransport>()

app.post('/mcp', async (request, response) => {
  const id = request.headers['mcp-session-id']
  let transport = typeof id === 'string' ? transports.get(id) : undefined
  if (!transport && id === undefined && isInitializeRequest(request.body)) {
    const created = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (sessionId) => void transports.set(sessionId, created),
    })
    await createServer().connect(created)
    transport = created
  }
  if (transport) return transport.handleRequest(request, response, request.body)
  response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null })
})

async function inSession(request: Request, response: Response) {
  const transport = transports.get(String(request.headers['mcp-session-id']))
  if (transport) return transport.handleRequest(request, response)
  response.status(404).send('Session not found')
}
app.get('/mcp', inSession)
app.delete('/mcp', inSession)

const { PORT = '3000' } = process.env
app.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/mcp`))
