/** Context7, moved to this package: an app of Express with a server of the SDK 2.x. Its service is played by the test. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'
import { startUpstream, type Upstream } from '../../ports/upstream.ts'

const library = { id: '/vercel/next.js', title: 'Next.js', description: 'The React framework', totalSnippets: 1 }

let fleet: PortFleet
let upstream: Upstream

beforeAll(async () => {
  upstream = await startUpstream({
    '/v2/libs/search': { body: { results: [library] } },
    '/v2/context': { body: 'How routing works', headers: { 'x-context7-auth-prompt': '1' } },
  })
  fleet = await startPort('context7', { CONTEXT7_API_URL: upstream.url, OTEL_METRICS_EXPORTER: 'none' })
})

afterAll(async () => {
  await fleet.stop()
  await upstream.stop()
})

test('has the tools of the package', async () => {
  const { tools } = await expectSameLists(fleet)
  expect(tools).toHaveLength(2)
})

test.each(clients)('finds libraries, also by another name of an argument (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  for (let i = 0; i < fleet.counts.length; i++) {
    const { text } = await client.call('resolve-library-id', { userQuery: `routing ${i}`, libraryName: 'next' })
    expect(text).toContain('/vercel/next.js')
    expect(upstream.requests.at(-1)?.query).toEqual({ query: `routing ${i}`, libraryName: 'next' })
  }
  await client.close()
})

test.each(clients.slice(0, 2))('asks an anonymous user to sign in, and answers meanwhile (%s)', async (_, connect) => {
  const asked: string[] = []
  const form = (message: string) => {
    asked.push(message)
    return { choice: 'Continue anonymously with smaller limits' }
  }
  const client = await connect(fleet.url, { form })
  const { text } = await client.call('query-docs', { libraryId: library.id, query: 'routing' })
  expect(text).toBe('How routing works')
  await expect.poll(() => asked, { timeout: 20_000 }).toEqual([expect.stringContaining('using Context7 anonymously')])
  await client.close()
})

test('does not ask a client of 2026-07-28, as in the package', async () => {
  const asked: string[] = []
  const [, connect] = clients[2]!
  const client = await connect(fleet.url, { form: (message) => void asked.push(message) })
  const { text } = await client.call('query-docs', { libraryId: library.id, query: 'routing' })
  await client.close()
  expect([text, asked]).toEqual(['How routing works', []])
})

test('the other routes and the check of the caller stay', async () => {
  const ping = await fetch(new URL('/ping', fleet.url))
  expect(await ping.json()).toEqual({ status: 'ok', message: 'pong' })
  const initialize = (headers: Record<string, string>) =>
    fetch(new URL('/mcp/oauth', fleet.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
      }),
    })
  const refused = await initialize({})
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toContain('/.well-known/oauth-protected-resource')
  const accepted = await initialize({ authorization: 'Bearer a-key' })
  expect(accepted.status).toBe(200)
  expect(accepted.headers.get('mcp-session-id')).toBeTruthy()
})
