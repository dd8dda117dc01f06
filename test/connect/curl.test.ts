/** The commands for curl are run as they are printed, against an endpoint that listens. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type ServerType, serve } from '@hono/node-server'
import { afterEach, expect, test } from 'vitest'
import { connectionsTo } from '../../lib/connect/connections.ts'
import type { Admission } from '../../lib/connect/types.ts'
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'

const run = promisify(execFile)

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function listen(options: EndpointOptions): Promise<string> {
  const server = new McpServer({ name: 'notes', version: '1' })
  server.registerTool('add', {}, () => ({ content: [] }))
  const endpoint = createEndpoint(server, { allowedHosts: 'local', ...options })
  const http = await new Promise<ServerType>((resolve) => {
    const listening = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(listening))
  })
  stops.push(async () => {
    await endpoint.close()
    await new Promise((resolve) => http.close(resolve))
  })
  const address = http.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`
}

/** Runs the commands for curl, and reads each response. */
async function responses(url: string, admission: Admission): Promise<{ head: string; body: unknown }[]> {
  const steps = connectionsTo({ url, name: 'notes', admission }).find(({ client }) => client === 'curl')?.steps ?? []
  const commands = steps.flatMap(({ code }) => (code?.text.startsWith('curl') ? [code.text] : []))
  const results = commands.map(async (command) => {
    const { stdout } = await run('bash', ['-c', command], { env: { PATH: process.env.PATH, MCP_TOKEN: 'good' } })
    const [head = '', body = ''] = stdout.split('\r\n\r\n')
    return { head, body: JSON.parse(body.replace(/^data: /m, '')) }
  })
  return Promise.all(results)
}

const [INITIALIZED, DISCOVERED] = [
  { result: { protocolVersion: '2025-11-25', serverInfo: { name: 'notes' } } },
  { result: { supportedVersions: expect.arrayContaining(['2026-07-28']), capabilities: { tools: {} } } },
]

test('they open a session, and ask without one', async () => {
  const [opened, asked] = await responses(await listen({}), 'open')
  expect(opened?.head).toMatch(/^HTTP\/1\.1 200/)
  expect(opened?.head).toMatch(/^mcp-session-id: \S+/im)
  expect(opened?.body).toMatchObject(INITIALIZED)
  expect(asked?.head).toMatch(/^HTTP\/1\.1 200/)
  expect(asked?.head).not.toMatch(/^mcp-session-id/im)
  expect(asked?.body).toMatchObject(DISCOVERED)
})

test('they send the token of the environment', async () => {
  const verify = (token: string) => (token === 'good' ? { subject: 'alice' } : undefined)
  const url = await listen({ auth: { issuer: 'https://as.example', resource: 'https://mcp.example/mcp', verify } })
  const [opened, asked] = await responses(url, 'oauth')
  expect(opened?.body).toMatchObject(INITIALIZED)
  expect(asked?.body).toMatchObject(DISCOVERED)
  const [refused] = await responses(url, 'open')
  expect(refused?.head).toMatch(/^HTTP\/1\.1 401/)
})
