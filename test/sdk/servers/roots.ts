/** A server that keeps the roots of its client in a variable, as the reference filesystem server does. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'

export function server(): McpServer {
  const made = new McpServer({ name: 'roots', version: '1.0.0' })
  let roots: string[] = []
  const refresh = async () => {
    roots = (await made.server.listRoots()).roots.map(({ uri }) => uri)
  }
  made.server.oninitialized = async () => {
    if (made.server.getClientCapabilities()?.roots) await refresh()
  }
  made.server.setNotificationHandler(RootsListChangedNotificationSchema, refresh)
  made.registerTool('roots', {}, async () => ({
    content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, roots }) }],
  }))
  return made
}
