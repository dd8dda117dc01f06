/** Opens a session and calls a tool through an entry for Lambda, and prints which files of its bundle were loaded until then. */
import { registerHooks } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const [entry] = process.argv.slice(2)
const loaded = new Set()
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:') && fileURLToPath(url).startsWith(dirname(entry))) loaded.add(fileURLToPath(url))
    return next(url, context)
  },
})

const { handler } = await import(pathToFileURL(entry).href)
const headers = { host: 'x', 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

async function post(message, more = {}) {
  const http = { method: 'POST', sourceIp: '203.0.113.7' }
  const body = JSON.stringify({ jsonrpc: '2.0', ...message })
  const event = { version: '2.0', rawPath: '/mcp', rawQueryString: '', headers: { ...headers, ...more }, body }
  const context = { getRemainingTimeInMillis: () => 20_000, awsRequestId: '1' }
  return handler({ ...event, requestContext: { http, stage: '$default' }, isBase64Encoded: false }, context)
}

const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
const opened = await post({ id: 1, method: 'initialize', params })
const session = { 'mcp-session-id': opened.headers['mcp-session-id'], 'mcp-protocol-version': '2025-11-25' }
await post({ method: 'notifications/initialized' }, session)
const call = { name: 'echo', arguments: { text: 'hello' } }
const answer = JSON.parse((await post({ id: 2, method: 'tools/call', params: call }, session)).body)
console.log(JSON.stringify({ loaded: [...loaded], text: answer.result?.content[0].text }))
process.exit(0)
