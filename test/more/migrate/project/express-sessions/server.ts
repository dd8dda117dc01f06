import { randomUUID } from 'node:crypto'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import express, { type Request, type Response } from 'express'
import { z } from 'zod'

function createServer(): McpServer {
  const server = new McpServer({ name: 'trips', version: '1.0.0' })
  const plan = { description: 'Plans a trip', inputSchema: { city: z.string() }, annotations: { readOnlyHint: true } }
  server.registerTool('plan', plan, async ({ city }, extra) => {
    const progressToken = extra._meta?.progressToken
    if (progressToken !== undefined) {
      await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    }
    const { content } = await server.server.elicitInput({
      message: `How many days in ${city}?`,
      requestedSchema: { type: 'object', properties: { days: { type: 'integer' } }, required: ['days'] },
    })
    return { content: [{ type: 'text', text: `${content?.days ?? 'No'} days in ${city}` }] }
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
    created.onclose = () => void transports.delete(created.sessionId ?? '')
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
