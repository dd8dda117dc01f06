import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { acceptedContent, createMcpHandler, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

function makeServer(): McpServer {
  const server = new McpServer({ name: 'trips', version: '1.0.0' })
  const city = z.object({ city: z.string() })
  const plan = { description: 'Plans a trip', inputSchema: city, annotations: { readOnlyHint: true } }
  server.registerTool('plan', plan, async ({ city }, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken
    if (progressToken !== undefined) {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    }
    const answer = acceptedContent(ctx.mcpReq.inputResponses, 'days', z.object({ days: z.number() }))
    if (!answer) {
      const message = `How many days in ${city}?`
      const requestedSchema = { type: 'object' as const, properties: { days: { type: 'integer' as const } } }
      return inputRequired({ inputRequests: { days: inputRequired.elicit({ message, requestedSchema }) } })
    }
    return { content: [{ type: 'text', text: `${answer.days} days in ${city}` }] }
  })
  return server
}

const handler = createMcpHandler(makeServer)

const { PORT = '3000' } = process.env
createServer(toNodeHandler(handler)).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${PORT}/mcp`)
})
