/** A process with an endpoint whose program does not end by the end of its input. It prints the id of the program's process. */
import { createEndpoint } from '../../../lib/endpoint.ts'
import { ACCEPT_BOTH, toolCall } from '../../support/raw.ts'
import { program } from './program.ts'

const endpoint = createEndpoint(program({}, 'stubborn'))
await endpoint.ready()
const post = (message: object, more: Record<string, string> = {}) => {
  const headers = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...more }
  return endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body: JSON.stringify(message) }))
}
const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
const opened = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', accept: 'application/json' }
const answer: unknown = await (await post(toolCall(1, 'whoami'), session)).json()
console.log(JSON.stringify(answer))
setInterval(() => {}, 60_000)
