/** A server whose own results have less than 1 KB, so that every long response is the fault of the endpoint. */
import { z } from 'zod'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../../lib/server/registry/resource-template.ts'

const said = (text: string) => ({ content: [{ type: 'text' as const, text: text.slice(0, 200) }] })

const LEAF = z.union([z.string().max(50), z.number(), z.object({ a: z.number() }).strict()])
const NESTED = z.object({
  list: z.array(LEAF),
  map: z.record(z.string(), z.array(z.number())),
  kind: z.enum(['a', 'b', 'c']).optional(),
  mail: z.email().optional(),
  at: z.iso.datetime().optional(),
  link: z.url().optional(),
})

/** Recursive, with formats, patterns and `uniqueItems`. */
const PLAIN = {
  type: 'object',
  properties: {
    tree: { $ref: '#/$defs/tree' },
    unique: { type: 'array', uniqueItems: true },
    map: { type: 'object', additionalProperties: { type: 'array', items: { type: 'number' } } },
    code: { type: 'string', pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' },
    when: { type: 'string', format: 'date-time' },
    link: { type: 'string', format: 'uri' },
    mail: { type: 'string', format: 'email' },
    either: {
      anyOf: [{ type: 'string' }, { type: 'object', required: ['x'] }, { type: 'array', contains: { type: 'null' } }],
    },
  },
  $defs: {
    tree: {
      type: 'object',
      properties: { left: { $ref: '#/$defs/tree' }, right: { $ref: '#/$defs/tree' } },
      additionalProperties: false,
    },
  },
} as const

/** @param secret what the server keeps for a caller, and no other caller may see */
export function build(secret: string): McpServer {
  const server = new McpServer({ name: 'fuzz', version: '1' }, { pageSize: 3 })
  server.registerTool('echo', { inputSchema: z.object({ message: z.string() }) }, ({ message }) => said(message))
  server.registerTool('nested', { inputSchema: NESTED }, ({ list }) => said(`${list.length} items`))
  server.registerTool('plain', { inputSchema: PLAIN }, () => said('plain'))
  server.registerTool('header', { inputSchema: HEADERS }, () => said('header'))
  server.registerTool('report', {}, async (ctx) => {
    await ctx.log('info', 'reported')
    await ctx.progress(1)
    return said('done')
  })
  server.registerTool('ask', { annotations: { readOnlyHint: true } }, async (ctx) => {
    const { content } = await ctx.elicit('Your name?', z.object({ name: z.string() }))
    return said(`asked ${content?.name}`)
  })
  server.registerTool('keep', {}, async (ctx) => {
    await ctx.session?.set('secret', secret)
    return said('kept')
  })
  server.registerTool('recall', {}, async (ctx) => said(String(await ctx.session?.get('secret'))))
  for (let i = 0; i < 10; i++) {
    server.registerPrompt(`p${i}`, { argsSchema: z.object({ a: z.string().optional() }) }, ({ a = '' }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: a.slice(0, 200) } }],
    }))
  }
  const read = (uri: URL) => ({ contents: [{ uri: uri.href.slice(0, 200), text: 'x' }] })
  server.registerResource('fixed', 'https://example.com', {}, read)
  const complete = { id: (value: string) => [value.slice(0, 200)] }
  server.registerResource('item', new ResourceTemplate('item://{id}', { complete }), {}, read)
  server.registerResource('deep', new ResourceTemplate('deep://{+path}{?q*,r}', {}), {}, read)
  server.registerResource('several', new ResourceTemplate('several:{/a*}{;b*}{#c}', {}), {}, read)
  return server
}

const HEADERS = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    size: { type: 'integer', 'x-mcp-header': 'Size' },
  },
} as const
