/** mcp-handler, which has no sessions. */
import { createMcpHandler } from 'mcp-handler'
import { start } from '../servers/serve.ts'
import { ECHO, echoed, echoInput } from '../tools.ts'

const handler = createMcpHandler(
  (server) => {
    server.registerTool(ECHO, { description: 'Says it again.', inputSchema: echoInput }, (args) => echoed(args))
  },
  { serverInfo: { name: 'bench', version: '1.0.0' } },
)

start((request) => handler(request))
