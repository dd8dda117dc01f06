/** A server whose tools need scopes. */
import { McpServer } from '../../../lib/index.ts'
import { page } from '../../../lib/page.ts'

export const server = new McpServer(
  { name: 'guarded', title: 'Guarded', version: '1.0.0' },
  { instructions: 'A secret instruction' },
)

const caller = { description: 'Names the caller' }
server.registerTool('look', { ...caller, requiredScopes: ['berths:read'] }, (ctx) => ({
  content: [{ type: 'text', text: ctx.auth?.subject ?? 'nobody' }],
}))
server.registerTool('purge', { ...caller, requiredScopes: ['berths:write'] }, () => ({ content: [] }))

export const serving = { page }
