import { createMcpHandler } from 'mcp-handler'
import { z } from 'zod'

const handler = createMcpHandler(
  (server) => {
    const plan = { description: 'Plans a trip', inputSchema: { city: z.string() }, annotations: { readOnlyHint: true } }
    server.registerTool('plan', plan, async ({ city }, extra) => {
      const progressToken = extra._meta?.progressToken
      if (progressToken !== undefined) {
        await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
      }
      return { content: [{ type: 'text', text: `3 days in ${city}` }] }
    })
  },
  { serverInfo: { name: 'trips', version: '1.0.0' } },
  { basePath: '/api' },
)

export { handler as DELETE, handler as GET, handler as POST }
