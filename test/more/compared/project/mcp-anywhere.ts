/** This package, with sessions in Redis. */
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from 'mcp-anywhere'
import { listen } from 'mcp-anywhere/node'
import { z } from 'zod'

const server = new McpServer({ name: 'compared', version: '1.0.0' })
server.registerTool('plain', {}, async () => ({ content: [{ type: 'text', text: 'done' }] }))
server.registerTool('ask', {}, async (ctx) => {
  const answer = await ctx.elicit('How many?', z.object({ count: z.int() }))
  return { content: [{ type: 'text', text: String(answer.action === 'accept' && answer.content.count) }] }
})
server.registerTool('slow', { annotations: { readOnlyHint: true } }, async (ctx) => {
  for (let progress = 1; progress <= 10; progress++) {
    await sleep(200)
    await ctx.progress(progress, 10, String(process.pid))
  }
  return { content: [{ type: 'text', text: String(process.pid) }] }
})

await listen(server)
