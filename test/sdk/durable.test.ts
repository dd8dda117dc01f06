/** Durable tools of servers of the official SDK, of both lines: run again from what `once` has kept, and replayed. */

import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { once } from 'mcp-anywhere'
import { type TestClient, testClient } from 'mcp-anywhere/testing'
import { afterEach, expect, test } from 'vitest'
import type { EndpointOptions } from '../../lib/endpoint.ts'
import { requireOfficialOptions } from '../../lib/sdk/options.ts'
import { Policies } from '../../lib/sdk/policies.ts'

const open: TestClient[] = []
afterEach(async () => {
  for (const client of open.splice(0).reverse()) await client[Symbol.asyncDispose]()
})

const info = { name: 'shop', version: '1' }
const form = { message: 'Buy it?', requestedSchema: { type: 'object' as const, properties: {} } }

/** A server whose tool charges once, and asks before that. */
function shop(line: 1 | 2, message: () => string = () => form.message) {
  let charges = 0
  const buy = async (context: object, elicitInput: (params: typeof form) => Promise<{ action: string }>) => {
    const order = await once(context, 'order', () => ++charges)
    const { action } = await elicitInput({ ...form, message: message() })
    return { content: [{ type: 'text' as const, text: `${action} ${order} of ${charges}` }] }
  }
  if (line === 1) {
    const server = new McpServer1(info)
    server.registerTool('buy', {}, (extra) => buy(extra, (params) => server.server.elicitInput(params)))
    return server
  }
  const server = new McpServer2(info)
  server.registerTool('buy', {}, (ctx) => buy(ctx, (params) => ctx.mcpReq.elicitInput(params)))
  return server
}

async function connect(
  line: 1 | 2,
  revision: string,
  endpoint: Omit<EndpointOptions, 'store' | 'clock'>,
  message?: () => string,
) {
  const client = await testClient(shop(line, message), {
    revision,
    elicit: () => ({ action: 'accept', content: {} }),
    endpoint: { tools: { buy: { durable: true } }, ...endpoint },
  })
  open.push(client)
  return client
}

const both = ([1, 2] as const).flatMap((line) =>
  ['2025-11-25', '2026-07-28'].map((revision) => [line, revision] as const),
)

test.each(both)('SDK %i.x, %s: what once has done is not done again by a replay', async (line, revision) => {
  const client = await connect(line, revision, { replay: 'strict' })
  const { content } = await client.callTool({ name: 'buy' })
  expect(content).toEqual([{ type: 'text', text: 'accept 1 of 1' }])
})

test.each(both)('SDK %i.x, %s: a question that differs from run to run is found', async (line, revision) => {
  let n = 0
  const differences: string[] = []
  const onError = (error: unknown) => differences.push((error as Error).message)
  const client = await connect(line, revision, { replay: 'always', onError }, () => `Buy ${Math.min(2, ++n)}?`)
  await client.callTool({ name: 'buy' })
  expect(differences.filter((text) => text.startsWith('REPLAY'))).toEqual([
    expect.stringMatching(/the tool "buy" differs.*"elicit-1" was .*Buy 2.* and is .*Buy 1/),
  ])
})

test('once runs its function where the context has no once', async () => {
  expect(await once({}, 'a', () => 1)).toBe(1)
  await expect(once({}, 'a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

const policyOf = (tool: object, annotations?: object) =>
  new Policies({ tools: { a: tool }, annotationsOf: () => annotations, report: () => {} }).of('tools/call', {
    name: 'a',
  })

test('the policy of a tool says what the options and the annotations say', () => {
  expect(policyOf({ durable: true })).toMatchObject({ runsAgain: true, durable: true })
  expect(policyOf({ durable: true })).not.toHaveProperty('reads')
  expect(policyOf({}, { readOnlyHint: true })).toMatchObject({ runsAgain: true, reads: true })
  expect(policyOf({ readOnly: false }, { readOnlyHint: true })).toMatchObject({ runsAgain: false })
  expect(policyOf({ idempotent: true })).toEqual({ scopes: [], runsAgain: true, paramHeaders: [] })
})

test.each([
  [{ durable: 'yes' }, 'tools["a"].durable must be true or false, not "yes".'],
  [
    { durable: false, readOnly: true },
    'tools["a"]: durable is false, and readOnly has the tool run again all the same.',
  ],
  [
    { durable: false, idempotent: true },
    'tools["a"]: durable is false, and idempotent has the tool run again all the same.',
  ],
])('%o stops the start with one line', (options, message) => {
  expect(() => requireOfficialOptions({ tools: { a: options as object } })).toThrow(message)
})
