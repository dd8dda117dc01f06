/** A server whose calls end in each of the ways that metrics tell apart. */
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

export function metered(): McpServer {
  const server = new McpServer({ name: 'metered', version: '1' })
  let release = () => {}
  server.registerTool('greet', {}, () => text('Hello!'))
  server.registerTool('refuse', {}, () => ({ ...text('no'), isError: true }))
  server.registerTool('break', {}, () => {
    throw new Error('It is broken.')
  })
  server.registerTool('late', { timeout: 20 }, () => new Promise<never>(() => {}))
  server.registerTool('ask', {}, async (ctx) => text((await ctx.elicit('Sure?', z.object({}))).action))
  // It runs until `go` is called.
  server.registerTool('wait', {}, async (ctx) => {
    ctx.log('info', 'waiting')
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return text('done')
  })
  server.registerTool('go', {}, () => {
    release()
    return text('gone')
  })
  return server
}

export const server = metered()

server.registerTool('order', { durable: true }, async (ctx) => text((await ctx.elicit('Which?', z.object({}))).action))
server.registerTool('report', { task: 'optional' }, () => text('done'))
