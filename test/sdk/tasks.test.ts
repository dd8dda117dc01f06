/** Unchanged servers of the official SDK whose tools have tasks by an option, with the official client 1.x, on three instances. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'

vi.setConfig({ testTimeout: 60_000 })

const info = { name: 'shop', version: '1' }
const form = { message: 'Buy it?', requestedSchema: { type: 'object' as const, properties: {} } }
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
/** A schema as 1.x takes it. */
const ACTION = { parse: (value: unknown) => value, safeParse: (data: unknown) => ({ success: true, data }) } as never

const LINES = {
  '1.x': () => {
    const server = new McpServer1(info)
    server.registerTool('buy', {}, async (extra) => {
      const answer = (await extra.sendRequest({ method: 'elicitation/create', params: form }, ACTION)) as {
        action: string
      }
      return text(answer.action)
    })
    server.registerTool('must', {}, () => text('done'))
    server.registerTool('plain', {}, () => text('plain'))
    return server
  },
  '2.x': () => {
    const server = new McpServer2(info)
    server.registerTool('buy', {}, async (ctx) => text((await ctx.mcpReq.elicitInput(form)).action))
    server.registerTool('must', {}, () => text('done'))
    server.registerTool('plain', {}, () => text('plain'))
    return server
  },
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A client whose every request goes to another instance. */
async function connect(make: () => McpServer1 | McpServer2): Promise<Client> {
  const memory = memoryStore()
  const store = new Proxy(memory, {
    get: (target, member) => (member === 'close' ? async () => {} : Reflect.get(target, member)),
  })
  const keys = [Buffer.alloc(32, 'k')]
  const tools = { buy: { task: 'optional', durable: true }, must: { task: 'required', durable: true } } as const
  const endpoints: Endpoint[] = Array.from({ length: 3 }, () =>
    createEndpoint(make(), { store, keys, tools, allowedHosts: '*', onError: () => {} }),
  )
  closing.push(() => Promise.all(endpoints.map((endpoint) => endpoint.close())))
  let turn = 0
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
    fetch: async (url, init) => (endpoints[turn++ % 3] as Endpoint).fetch(new Request(url, init)),
  })
  const client = new Client({ name: 'official', version: '1' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
    action: 'accept',
    content: { about: params.message },
  }))
  await client.connect(transport as Parameters<typeof client.connect>[0])
  closing.push(() => client.close())
  return client
}

describe.each(Object.entries(LINES))('a server of %s', (_line, make) => {
  test('lists which of its tools run as tasks, and runs them as tasks', async () => {
    const client = await connect(make)
    expect(client.getServerCapabilities()?.tasks).toEqual({ list: {}, cancel: {}, requests: { tools: { call: {} } } })
    const { tools } = await client.listTools()
    expect(Object.fromEntries(tools.map(({ name, execution }) => [name, execution?.taskSupport]))).toMatchObject({
      ...{ buy: 'optional', must: 'required', plain: undefined },
    })
    for (const [name, words] of Object.entries({ buy: 'accept', must: 'done' })) {
      const messages: { type: string; result?: unknown }[] = []
      const stream = client.experimental.tasks.callToolStream({ name, arguments: {} }, CallToolResultSchema, {
        task: {},
      })
      for await (const message of stream) messages.push(message)
      expect(messages[0]?.type).toBe('taskCreated')
      expect(messages.at(-1)).toMatchObject({ type: 'result', result: text(words) })
    }
    expect((await client.experimental.tasks.listTasks()).tasks.map(({ status }) => status)).toEqual([
      'completed',
      'completed',
    ])
    // Without a task they are called as before.
    expect(await client.callTool({ name: 'buy', arguments: {} })).toMatchObject(text('accept'))
  })
})
