/** A server whose code writes to stdout, as a process for a local host. */
import { McpServer } from 'mcp-anywhere'
import { serveStdio } from 'mcp-anywhere/stdio'
import { z } from 'zod'

const server = new McpServer({ name: 'local', version: '1' })
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })

server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text: given }) => {
  console.log('log')
  console.info('info')
  console.debug('debug')
  process.stdout.write('raw\n')
  return text(given)
})
server.registerTool('count', {}, async (ctx) => {
  for (let i = 1; i <= 3; i++) await ctx.progress(i, 3, `step ${i}`)
  await ctx.log('info', 'counted')
  return text('counted')
})
server.registerTool('ask', {}, async (ctx) => {
  try {
    const { content } = await ctx.elicit('Who?', z.object({ name: z.string() }))
    return text(content?.name)
  } catch (error) {
    return text(error)
  }
})
server.registerTool('wait', {}, async (ctx) => {
  console.error('waiting')
  await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
  console.error('aborted')
  return text('over')
})
server.registerTool('resumed', {}, async (ctx) => {
  await ctx.progress(1)
  await ctx.closeStream(10)
  return text('resumed')
})
server.registerTool('surroundings', {}, ({ request, requestInfo, http, sessionId }) =>
  text(JSON.stringify([request.url, requestInfo, http, typeof sessionId])),
)
server.registerTool('leave', {}, (ctx) => {
  const work = async () => {
    // The host closes stdin meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 300))
    console.error('left work is done')
  }
  ctx.waitUntil(work())
  return text('left')
})
server.registerTool('change', {}, async (ctx) => {
  await ctx.announce.toolsChanged()
  await ctx.announce.resourceUpdated('notes://a')
  return text('changed')
})
server.registerTool(
  'region',
  { inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } },
  (args) => text((args as { region: string }).region),
)
server.registerResource('a', 'notes://a', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'é'.repeat(10) }] }))
server.registerResource('ä', 'notes://ä', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'ä' }] }))

await serveStdio(server, { http: { maxBytes: 100_000 } })
