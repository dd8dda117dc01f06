/** The tools of a server of the official SDK 2.x. */
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptedContent, inputRequired, type McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

export function addTools(server: McpServer): void {
  server.registerTool('plain', {}, async () => ({ content: [{ type: 'text', text: 'done' }] }))
  server.registerTool('ask', {}, async (ctx) => {
    const answer = acceptedContent(ctx.mcpReq.inputResponses, 'count', z.object({ count: z.number() }))
    if (answer) return { content: [{ type: 'text', text: String(answer.count) }] }
    const requestedSchema = { type: 'object' as const, properties: { count: { type: 'integer' as const } } }
    return inputRequired({ inputRequests: { count: inputRequired.elicit({ message: 'How many?', requestedSchema }) } })
  })
  server.registerTool('slow', { annotations: { readOnlyHint: true } }, async (ctx) => {
    for (let progress = 1; progress <= 10; progress++) {
      await sleep(200)
      const progressToken = ctx.mcpReq._meta?.progressToken ?? ''
      const params = { progressToken, progress, message: String(process.pid) }
      await ctx.mcpReq.notify({ method: 'notifications/progress', params })
    }
    return { content: [{ type: 'text', text: String(process.pid) }] }
  })
}
