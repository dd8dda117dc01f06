/** Clients take what `mcp-anywhere connect` prints: mcp-remote starts from its settings, and Gemini CLI runs its command. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectionsTo } from '../../../lib/connect/connections.ts'
import type { Admission, ClientId, Code } from '../../../lib/connect/types.ts'
import { createEndpoint } from '../../../lib/endpoint.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { wordsOf } from '../../connect/shell.ts'
import { installed } from '../support/installed.ts'
import { run } from '../support/run.ts'

/** Hostile, so that it shows whether the snippets keep it apart. */
const NAME = `my "notes"; $(touch pwned) \${HOME} é\n`
const KEY = 'my-notes-touch-pwned-HOME-e'

let tools: string
let home: string
beforeAll(async () => {
  tools = await installed('connect')
  home = mkdtempSync(join(tmpdir(), 'mcp-anywhere-connect-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

function code(client: ClientId, language: Code['language'], url: string, admission: Admission): string {
  const steps = connectionsTo({ url, name: NAME, admission }).find((one) => one.client === client)?.steps ?? []
  return steps.find((step) => step.code?.language === language)?.code?.text ?? ''
}

describe.each(['open', 'token'] as const)('an endpoint that is %s', (admission) => {
  let url: string
  let stop: () => Promise<void>
  beforeAll(async () => {
    const server = new McpServer({ name: NAME, version: '1' })
    server.registerTool('whoami', {}, ({ auth }) => ({ content: [{ type: 'text', text: auth?.subject ?? 'anybody' }] }))
    const verify = (token: string) => (token === 'good' ? { subject: 'alice' } : undefined)
    const auth = { issuer: [], resource: 'https://mcp.example/mcp', verify }
    const endpoint = createEndpoint(server, { allowedHosts: 'local', ...(admission === 'token' && { auth }) })
    await new Promise<void>((resolve) => {
      const http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
        url = `http://127.0.0.1:${port}/mcp`
        resolve()
      })
      stop = async () => {
        await endpoint.close()
        await new Promise((closed) => http.close(closed))
      }
    })
  })
  afterAll(() => stop())

  test('is reached through mcp-remote with its settings', async () => {
    const settings = JSON.parse(code('mcp-remote', 'json', url, admission).replaceAll('YOUR_TOKEN', 'good'))
    const { command, args, env } = settings.mcpServers[KEY]
    expect([command, args.slice(0, 2)]).toEqual(['npx', ['-y', 'mcp-remote']])
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [join(tools, 'node_modules/mcp-remote/dist/proxy.js'), ...args.slice(2)],
      env: { ...env, PATH: process.env.PATH ?? '', HOME: home, MCP_REMOTE_CONFIG_DIR: join(home, 'mcp-auth') },
      stderr: 'ignore',
    })
    const client = new Client({ name: 'desktop', version: '1' })
    await client.connect(transport as Parameters<typeof client.connect>[0])
    expect(await client.callTool({ name: 'whoami' })).toMatchObject({
      content: [{ text: admission === 'open' ? 'anybody' : 'alice' }],
    })
    await client.close()
  })

  test('is added to Gemini CLI by its command', async () => {
    const [[command, ...args] = []] = wordsOf(code('gemini-cli', 'shell', url, admission))
    expect(command).toBe('gemini')
    const bin = join(tools, 'node_modules/.bin/gemini')
    await run(process.execPath, [bin, ...args], { cwd: home, env: { HOME: home, GEMINI_CLI_HOME: home } })
    const { mcpServers } = JSON.parse(readFileSync(join(home, '.gemini/settings.json'), 'utf8'))
    const { httpUrl, headers } = JSON.parse(code('gemini-cli', 'json', url, admission)).mcpServers[KEY]
    expect(mcpServers[KEY]).toEqual({
      url: httpUrl,
      type: 'http',
      ...(headers && { headers: { Authorization: 'Bearer YOUR_TOKEN' } }),
    })
  })
})
