/** The server of Brave Search, moved to this package: an app of Express. The search service is played by the test. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'
import { startUpstream, type Upstream } from '../../ports/upstream.ts'

const web = { url: 'https://example.com/', title: 'An example', description: 'A page', extra_snippets: [] }

let fleet: PortFleet
let upstream: Upstream

beforeAll(async () => {
  upstream = await startUpstream({
    '/res/v1/web/search': { body: { web: { results: [web] } } },
    '/res/v1/llm/context': { body: { grounding: { generic: [], map: [] }, sources: {} } },
  })
  fleet = await startPort('brave-search', { BRAVE_API_KEY: 'key', UPSTREAM: upstream.url })
})

afterAll(async () => {
  await fleet.stop()
  await upstream.stop()
})

test('has the tools of the package', async () => {
  const { tools } = await expectSameLists(fleet, {
    adjust: ({ tools }) => {
      // The package makes this schema from the fields alone, and so loses that other members are allowed.
      const { outputSchema } = tools.find(({ name }) => name === 'brave_place_search') as { outputSchema: object }
      Object.assign(outputSchema, { additionalProperties: {} })
    },
  })
  expect(tools).toHaveLength(8)
})

test.each(clients)('searches on every instance (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  for (let i = 0; i < fleet.counts.length; i++) {
    const { text, isError } = await client.call('brave_web_search', { query: `query ${i}` })
    expect(text).toContain('https://example.com/')
    expect(isError).toBe(false)
    expect(upstream.requests.at(-1)).toMatchObject({
      query: { q: `query ${i}` },
      headers: { 'x-subscription-token': 'key' },
    })
  }
  await client.close()
})

test.each(clients)('returns structured content that fits the output schema (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const { structured, isError } = await client.call('brave_llm_context', { query: 'context' })
  expect(structured).toMatchObject({ grounding: { generic: [] } })
  expect(isError).toBe(false)
  await client.close()
})

test('the other routes and middlewares of the app stay', async () => {
  const ping = await fetch(new URL('/ping', fleet.url))
  expect(await ping.json()).toEqual({ message: 'pong' })
  const foreign = await fetch(fleet.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  })
  expect([foreign.status, await foreign.json()]).toMatchObject([
    403,
    { error: { message: 'Forbidden: invalid Origin' } },
  ])
})
