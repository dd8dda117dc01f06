/** The server of the checks: one tool that reports progress and asks its user. */
import { McpServer } from 'mcp-anywhere'

export const server = new McpServer({ name: 'greeter', version: '1.0.0' })

const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) })

server.registerTool('greet', { inputSchema: object({ name: { type: 'string' } }) }, async ({ name }, ctx) => {
  await ctx.progress(1, 2, `asking about ${name}`)
  const answer = await ctx.elicit(`Greet ${name}?`, object({ sure: { type: 'boolean' } }))
  const sure = answer.action === 'accept' && answer.content.sure
  return { content: [{ type: 'text', text: sure ? `Hello ${name}` : 'Nobody was greeted.' }] }
})
