/** A scope that nobody checks protects nothing: an endpoint without authorization does not start with one. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { root } from '../../tools/build.ts'

const entry = join(root, 'test/support/node-entry.ts')
const config = { requiredScopes: ['notes:write', 'admin'] }
const REGISTRATIONS: Record<string, (server: McpServer) => void> = {
  'a tool': (server) => server.registerTool('purge', config, () => ({ content: [] })),
  'a prompt': (server) => server.registerPrompt('plan', config, () => ({ messages: [] })),
  'a resource': (server) => server.registerResource('secret', 'notes://secret', config, () => ({ contents: [] })),
  'a template': (server) =>
    server.registerResource('vault', new ResourceTemplate('vault://{id}'), config, () => ({ contents: [] })),
}

const newServer = () => new McpServer({ name: 'scoped', version: '1' })

describe.each(Object.keys(REGISTRATIONS))('%s that needs scopes', (what) => {
  test('stops createEndpoint without auth, in one line that names the scopes and the settings', async () => {
    const server = newServer()
    REGISTRATIONS[what]?.(server)
    for (const given of [server, dispatcherOf(server)]) {
      expect(() => createEndpoint(given)).toThrow(
        /^auth is missing.* notes:write, admin: .*AUTH_ISSUER and AUTH_AUDIENCE.*$/,
      )
    }
    const auth = { resource: 'https://mcp.example/mcp', issuer: 'https://as.example' }
    await createEndpoint(server, { auth }).close()
  })
})

test('what is registered later with scopes is 403 where there is no authorization', async () => {
  const server = newServer()
  server.registerTool('open', {}, () => ({ content: [] }))
  const endpoint = createEndpoint(server)
  let ran = 0
  server.registerTool('purge', config, () => {
    ran++
    return { content: [] }
  })
  const call = (headers: Record<string, string>, name: string, meta?: object) =>
    endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, _meta: meta } }),
      }),
    )
  const stateless = (name: string) =>
    call({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name }, name, {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    })
  expect((await call({ 'mcp-session-id': 'any' }, 'purge')).status).toBe(403)
  expect((await stateless('purge')).status).toBe(403)
  expect((await stateless('open')).status).toBe(200)
  expect(ran).toBe(0)
  await endpoint.close()
})

describe('a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-scopes-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('whose server needs scopes does not start without AUTH_ISSUER, and prints one line', () => {
    const file = join(folder, 'server.ts')
    writeFileSync(
      file,
      `import { McpServer } from '${join(root, 'lib/index.ts')}'
export const server = new McpServer({ name: 'scoped', version: '1' })
server.registerTool('purge', { requiredScopes: ['admin'] }, () => ({ content: [] }))\n`,
    )
    const env = { PATH: process.env.PATH, PORT: '0' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [entry, file], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^auth is missing.*admin/)])
  })

  test.each(['AUTH_SCOPES', 'AUTH_AUDIENCE'])('with %s and without AUTH_ISSUER does not start', (name) => {
    const env = { PATH: process.env.PATH, PORT: '0', [name]: 'mcp' }
    const { status, stderr } = spawnSync(process.execPath, [entry, join(root, 'test/fixtures/small.ts')], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(status).toBe(1)
    expect(stderr).toBe(`${name} is set, and AUTH_ISSUER is not.\n`)
  })
})
