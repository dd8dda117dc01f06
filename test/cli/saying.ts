/** Servers with one tool, whose answer shows what their author's code got. */
import { body, headers } from '../stateless/requests.ts'
import { post, type RpcMessage } from '../support/raw.ts'

/** The text of a tool's result. Without a session, whose requests would meet another environment of Lambda. */
export async function textOf(url: URL, name: string, args = {}): Promise<string> {
  const request = { id: 1, method: 'tools/call', params: { name, arguments: args } }
  const answer = await post(url, body(request), { headers: headers(request) })
  return ((await answer.json()) as RpcMessage).result.content[0].text
}

export const SERVER = `import { McpServer } from 'mcp-anywhere'\nexport const server = new McpServer({ name: 'a', version: '1' })\n`
/** A server with a tool \`said\`, whose answer is this expression. */
export const saying = (expression: string, imports = '') => `${imports}\n${SERVER}
server.registerTool('said', {}, async () => ({ content: [{ type: 'text', text: String(${expression}) }] }))`
