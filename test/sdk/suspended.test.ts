/** Calls of servers of the official SDK that are suspended while their client is asked, and what operators see of suspensions. */

import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { type CallEvent, McpServer, once, onEvent, type Servable, type TakeoverEvent } from 'mcp-anywhere'
import { type TestClient, type TestClientOptions, testClient } from 'mcp-anywhere/testing'
import { afterEach, expect, test } from 'vitest'
import type { EndpointOptions } from '../../lib/endpoint.ts'

const open: TestClient[] = []
const ends: (() => void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) end()
  for (const client of open.splice(0).reverse()) await client[Symbol.asyncDispose]()
})

const info = { name: 'shop', version: '1' }
const form = { message: 'Buy it?', requestedSchema: { type: 'object' as const, properties: {} } }

const counts = { runs: 0, charges: 0 }

async function buy(context: object, elicitInput: (params: typeof form) => Promise<{ action: string }>) {
  counts.runs++
  const order = await once(context, 'order', () => ++counts.charges)
  const { action } = await elicitInput(form)
  return { content: [{ type: 'text' as const, text: `${action} ${order}` }] }
}

function shop(line: number) {
  Object.assign(counts, { runs: 0, charges: 0 })
  if (line === 1) {
    const server = new McpServer1(info)
    server.registerTool('buy', {}, (extra) =>
      buy(extra, (params) => extra.sendRequest({ method: 'elicitation/create', params }, ACTION)),
    )
    return server
  }
  const server = new McpServer2(info)
  server.registerTool('buy', {}, (ctx) => buy(ctx, (params) => ctx.mcpReq.elicitInput(params)))
  return server
}

/** A schema as 1.x takes it. */
const ACTION = { parse: (value: unknown) => value, safeParse: (data: unknown) => ({ success: true, data }) } as never

/** A client whose user answers once the run of the call is over. */
async function connect(
  server: Servable,
  options: Omit<TestClientOptions, 'endpoint'>,
  endpoint: Omit<EndpointOptions, 'store' | 'clock'>,
) {
  const suspended = Promise.withResolvers<void>()
  const calls: CallEvent[] = []
  const takeovers: TakeoverEvent[] = []
  ends.push(
    onEvent('call', (event) => {
      calls.push(event)
      if (event.outcome === 'suspended') suspended.resolve()
    }),
    onEvent('takeover', (event) => takeovers.push(event)),
  )
  const client = await testClient(server, {
    elicit: async () => {
      await suspended.promise
      return { action: 'accept', content: {} }
    },
    ...options,
    endpoint: { ...endpoint, session: { suspendAfter: 30, ...endpoint.session } },
  })
  open.push(client)
  return { client, calls, takeovers }
}

test.each([1, 2])(
  'SDK %i.x: the run ends while the client is asked, and another one goes on with the answer',
  async (line) => {
    const { client, calls, takeovers } = await connect(
      shop(line),
      { instances: 2 },
      { tools: { buy: { durable: true } } },
    )
    const { content } = await client.callTool({ name: 'buy' })
    expect(content).toEqual([{ type: 'text', text: 'accept 1' }])
    expect(counts).toEqual({ runs: 2, charges: 1 })
    expect(calls.filter(({ method }) => method === 'tools/call')).toMatchObject([
      { outcome: 'suspended', run: 'first' },
      { outcome: 'ok', run: 'wake' },
    ])
    expect(takeovers).toMatchObject([{ outcome: 'woken' }])
  },
)

test('another version of the handler goes on, and the log names both', async () => {
  const reports: string[] = []
  let made = 0
  const factory = () => {
    const server = new McpServer2(info)
    const isFirst = made++ === 0
    const first = (ctx: Parameters<Parameters<typeof server.registerTool>[2]>[1]) =>
      buy(ctx, () => ctx.mcpReq.elicitInput(form) as never)
    const second = async (ctx: Parameters<typeof first>[0]) => first(ctx)
    server.registerTool('buy', {}, (isFirst ? first : second) as never)
    return server
  }
  const onError = (error: unknown) => reports.push((error as Error).message)
  const { client } = await connect(factory, { instances: 2 }, { tools: { buy: { durable: true } }, onError })
  expect((await client.callTool({ name: 'buy' })).content).toMatchObject([{ text: expect.stringContaining('accept') }])
  const expected =
    /^The tool "buy" goes on with a call that another version of its handler has begun \(version [\w-]+, now [\w-]+\)/
  expect(reports).toEqual([expect.stringMatching(expected)])
})

test('a tool that waits for its client and could be suspended is named once, with the cure', async () => {
  const server = new McpServer(info)
  server.registerTool('wait', {}, async (ctx) => {
    const { action } = await ctx.elicit('Sure?', form.requestedSchema)
    return { content: [{ type: 'text', text: action }] }
  })
  const reports: string[] = []
  const onError = (error: unknown) => reports.push((error as Error).message)
  const elicit = () => ({ action: 'decline' as const })
  const { client } = await connect(server, { elicit }, { onError })
  await client.callTool({ name: 'wait' })
  await client.callTool({ name: 'wait' })
  expect(reports).toEqual([
    'The tool "wait" waits for its client and keeps this instance: put its effects into ctx.once and mark it durable: true ' +
      '(docs/durable.md), or mark it readOnlyHint where it has none.',
  ])
  const { client: other } = await connect(server, { elicit }, { onError, session: { suspendAfter: 0 } })
  await other.callTool({ name: 'wait' })
  expect(reports).toHaveLength(1)
})
