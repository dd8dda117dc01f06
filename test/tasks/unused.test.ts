/** A server without tasks: nothing of them is loaded, and the store is sent nothing about them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { startRedis } from '../support/redis.ts'

vi.setConfig({ testTimeout: 60_000 })

const LIB = new URL('../../lib/', import.meta.url).href

/** Serves a session with a call and its DELETE, and a call without a session. Prints the modules and the commands of the store. */
const PROGRAM = `
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
const { createEndpoint, McpServer, onEvent } = await import('${LIB}index.ts')
const { redisStore } = await import('${LIB}store/redis/index.ts')
const commands = new Set()
onEvent('command', ({ command }) => commands.add(command))
const server = new McpServer({ name: 'plain', version: '1' })
const task = process.env.WITH_TASKS ? { task: 'optional', durable: true } : {}
server.registerTool('plain', { ...task }, () => ({ content: [{ type: 'text', text: 'done' }] }))
const endpoint = createEndpoint(server, { store: redisStore(process.env.REDIS_URL), keys: [Buffer.alloc(32)], allowedHosts: '*' })
const send = (method, headers, message) =>
  endpoint.fetch(new Request('http://localhost/mcp', {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body: message && JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  }))
const opened = await send('POST', {}, {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
})
const session = { 'mcp-session-id': opened.headers.get('mcp-session-id'), 'mcp-protocol-version': '2025-11-25' }
const call = { name: 'plain', arguments: {}, task: {} }
const texts = [await (await send('POST', session, { method: 'tools/call', params: call })).text()]
await send('DELETE', session)
const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
const stateless = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'plain' }
texts.push(await (await send('POST', stateless, { method: 'tools/call', params: { name: 'plain', arguments: {}, _meta } })).text())
await endpoint.close()
const own = loaded.filter((url) => url.startsWith('${LIB}')).map((url) => url.slice('${LIB}'.length))
console.log(JSON.stringify({ loaded: own, commands: [...commands], texts }))
`

async function run(redisUrl: string, more: Record<string, string> = {}) {
  const env = { ...process.env, REDIS_URL: redisUrl, ...more }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM], { env })
  const { loaded, commands, texts } = JSON.parse(stdout) as Record<'loaded' | 'commands' | 'texts', string[]>
  const isOfTasks = (path: string) =>
    path.startsWith('tasks/') || /(^|\/)(tasks?|[\w-]*-tasks?|task-[\w-]+)\.ts$/.test(path)
  return {
    loaded: loaded.filter(isOfTasks).sort(),
    commands: commands.filter((name) => /task|occupy/i.test(name)),
    texts,
  }
}

test('a server whose tools are no tasks loads nothing of them, and sends nothing about them', async () => {
  const redis = await startRedis()
  try {
    const { loaded, commands, texts } = await run(redis.url)
    // What a client sends of a task is ignored.
    for (const text of texts) expect(text).toContain('done')
    // The option of a tool, and the question whether a server has tools with it.
    expect(loaded).toEqual(['server/registry/task-policy.ts', 'session/call/task-routing.ts'])
    expect(commands).toEqual([])
    // Where they are used, they are seen.
    const used = await run(redis.url, { WITH_TASKS: '1' })
    expect(used.loaded).toContain('tasks/engine.ts')
    expect(used.commands).toEqual(expect.arrayContaining(['mcpTaskCreate', 'mcpTasksLeft']))
  } finally {
    await redis.stop()
  }
})
