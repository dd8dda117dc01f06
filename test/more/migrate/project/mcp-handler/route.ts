import { createMcpHandler } from 'mcp-handler'
import { z } from 'zod'

const handler = createMcpHandler(
  (server) => {
    const city = z.object({ city: z.string() })
    const plan = { description: 'Plans a trip', inputSchema: city, annotations: { readOnlyHint: true } }
    server.registerTool('plan', plan, async ({ city }, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken
      if (progressToken !== undefined) {
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
      }
      return { content: [{ type: 'text', text: `3 days in ${city}` }] }
    })
  },
  { serverInfo: { name: 'trips', version: '1.0.0' } },
)

export { handler as DELETE, handler as GET, handler as POST }
