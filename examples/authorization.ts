/**
 * With authorization: bearer tokens of an OAuth authorization server, and scopes of tools.
 * `AUTH_ISSUER=https://auth.example.com AUTH_AUDIENCE=https://mcp.example.com/mcp node examples/authorization.ts`
 *
 * A client without a token gets 401 and the address of the metadata (RFC 9728), where it finds the authorization
 * server.
 */
import { createServer } from 'node:http'
import { createEndpoint, McpServer } from 'mcp-anywhere'
import { toNodeHandler } from 'mcp-anywhere/node'
import { z } from 'zod'

const { PORT = '3000', AUTH_ISSUER, AUTH_AUDIENCE = `http://127.0.0.1:${PORT}/mcp` } = process.env

const server = new McpServer({ name: 'authorization', version: '1.0.0' })

// Every caller with a token may use it.
server.registerTool('whoami', { description: 'Names the caller' }, ({ auth }) => ({
  content: [{ type: 'text', text: `${auth?.subject}, ${auth?.scopes.join(' ')}` }],
}))

// A caller without the scope does not find the tool in the list. Its call gets 403 with the scope that it needs.
server.registerTool(
  'write_note',
  {
    description: 'Writes the note of the caller',
    inputSchema: z.object({ text: z.string() }),
    requiredScopes: ['notes:write'],
  },
  async ({ text }, ctx) => {
    // `ctx.user` belongs to this caller: other callers cannot read it.
    await ctx.user.set('note', text)
    return { content: [{ type: 'text', text: `Kept for ${ctx.auth?.subject}.` }] }
  },
)

const endpoint = createEndpoint(server, {
  auth: {
    issuer: AUTH_ISSUER,
    // The public URL of the endpoint: tokens must be for it (RFC 8707).
    resource: AUTH_AUDIENCE,
    // Every request needs this scope.
    scopes: ['mcp'],
    // `notes` includes `notes:read` and `notes:write`.
    scopeCovers: (granted, required) => granted === required || required.startsWith(`${granted}:`),
  },
})

const http = createServer(toNodeHandler(endpoint)).listen(Number(PORT), '127.0.0.1', () => {
  const address = http.address()
  if (address !== null && typeof address === 'object') {
    console.log(`MCP endpoint  http://127.0.0.1:${address.port}/mcp`)
  }
})

process.once('SIGTERM', async () => {
  http.close()
  // Streams end in good order, calls finish or are handed over to other instances.
  await endpoint.close()
  // A second for the last bytes: connections that clients keep open do not hold the process.
  setTimeout(() => process.exit(), 1_000).unref()
})
