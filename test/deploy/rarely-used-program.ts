/** Uses what few servers use, in a bundle: rarely-used.test.ts runs it. */
import { Hono } from 'hono'
import { createEndpoint, McpServer, Server } from '../../lib/index.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'

const said: Record<string, unknown> = {}
const refusal = (run: () => unknown) => {
  try {
    return String(run())
  } catch (error) {
    return error instanceof TypeError ? error.message : 'no TypeError'
  }
}

const server = new McpServer({ name: 'rare', version: '1.0.0' })
server.tool('old', 'A tool.', () => ({ content: [] }))
said.old = server.registry.sections.tools.has('old')
said.member = refusal(() => (server.server as { setRequestHandler?: unknown }).setRequestHandler)
said.server = refusal(() => new Server())
said.auth = refusal(() =>
  createEndpoint(server, { store: memoryStore(), auth: { issuer: 'x', resource: 'https://x.test/mcp' } }),
)

const auth = { issuer: 'https://auth.test', resource: 'https://x.test/mcp' }
const { app } = createEndpoint(server, { store: memoryStore(), auth })
const metadata = await app.request('https://x.test/.well-known/oauth-protected-resource/mcp')
said.metadata = ((await metadata.json()) as { resource?: unknown }).resource
const refused = await app.request('https://x.test/mcp', { method: 'POST' })
said.challenge = refused.headers.get('www-authenticate')

const own = new Hono().post('/', async (c) => c.json(await c.req.parseBody()))
said.form = await (await own.request('/', { method: 'POST', body: new URLSearchParams({ a: '1' }) })).json()

console.log(JSON.stringify(said))
