/** Operations and their labels, which all of telemetry shares: in sessions and without, for both kinds of servers. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { attributesOf } from '../../lib/telemetry/attributes.ts'
import { type EndedSession, type Operation, onOperations } from '../../lib/telemetry/operations.ts'
import { eventually } from '../support/eventually.ts'
import { type Connection, connect, type Kind, REVISIONS } from './connection.ts'

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

function own(): McpServer {
  const server = new McpServer({ name: 'operations', version: '1' })
  server.registerTool('ok', {}, () => text('ok'))
  server.registerTool('fails', {}, () => ({ ...text('no'), isError: true }))
  server.registerTool('refuses', { inputSchema: z.object({ code: z.number() }) }, ({ code }) => {
    throw new ProtocolError(code, 'not today')
  })
  server.registerTool('asks', {}, async (ctx) => text((await ctx.elicit('Sure?', z.object({}))).action))
  server.registerPrompt('greeting', {}, () => ({ messages: [] }))
  return server
}

/** It answers to every name. */
function official(): Server {
  const server = new Server({ name: 'low-level', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: [{ name: 'listed', inputSchema: { type: 'object' } }],
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params: { name } }) => {
    if (name.startsWith('bad')) throw new Error('no')
    return text(name)
  })
  return server
}

let endpoint: Endpoint
let operations: Operation[]
let sessions: EndedSession[]
let stop: () => void

beforeEach(() => {
  operations = []
  sessions = []
  stop = onOperations({
    operation: (operation) => operations.push(operation),
    session: (session) => sessions.push(session),
  })
})
afterEach(async () => {
  stop()
  await endpoint.close()
})

const named = (method: string) => eventually(async () => operations.find((operation) => operation.method === method))
const values = (label: 'tool' | 'method' | 'code' | 'errorType') => new Set(operations.map((each) => each[label]))

describe.each(Object.keys(REVISIONS) as Kind[])('with requests of the kind: %s', (kind) => {
  let client: Connection
  beforeEach(async () => {
    endpoint = createEndpoint(own(), { onError: () => {} })
    client = await connect(endpoint, kind)
  })
  const revision = REVISIONS[kind]
  const call = async (name: string, args: object = {}) =>
    (await client.send('tools/call', { name, arguments: args })).text()

  test('a call is one operation, with its tool and revision', async () => {
    await call('ok')
    const operation = await named('tools/call')
    expect(operation).toMatchObject({ side: 'server', tool: 'ok', revision, transport: { kind: 'tcp' } })
    expect(operation?.errorType).toBeUndefined()
    expect(operation?.seconds).toBeGreaterThanOrEqual(0)
    expect(operations.filter(({ method }) => method === 'tools/call')).toHaveLength(1)
  })

  test('the class of an error is the code of JSON-RPC, or tool_error', async () => {
    await call('fails')
    await call('refuses', { code: -32_050 })
    await (await client.send('prompts/get', { name: 'greeting' })).text()
    expect(operations.filter(({ method }) => method !== 'initialize')).toMatchObject([
      { tool: 'fails', errorType: 'tool_error', code: undefined },
      { tool: 'refuses', errorType: '-32050', code: '-32050' },
      { prompt: 'greeting', errorType: undefined },
    ])
  })

  test('names of tools and methods, and codes, have a bounded number of values', async () => {
    for (let n = 0; n < 300; n++) {
      await call(`no-such-${n}`)
      await (await client.send(`no/such${n}`)).text()
      await call('refuses', { code: -33_000 - n })
    }
    expect(operations.length).toBeGreaterThanOrEqual(900)
    expect(values('tool')).toEqual(new Set([undefined, 'refuses']))
    expect([...values('method')].sort()).toEqual(
      kind === 'session' ? ['_OTHER', 'initialize', 'tools/call'] : ['_OTHER', 'tools/call'],
    )
    expect(values('code').size).toBeLessThanOrEqual(52)
    expect(values('errorType').size).toBeLessThanOrEqual(52)
  })
})

test('a session counts where it opens and where its client ends it, and so do its messages', async () => {
  endpoint = createEndpoint(own(), { onError: () => {} })
  const client = await connect(endpoint, 'session')
  await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await (await client.send('ping')).text()
  await client.post({ jsonrpc: '2.0', id: 'unknown', result: {} })
  expect(operations.map(({ method }) => method)).toEqual(['initialize', 'notifications/initialized', 'ping'])
  await client.close()
  const session = await eventually(async () => sessions[0])
  expect(session).toMatchObject({ revision: '2025-11-25', transport: { kind: 'tcp' } })
  expect(session?.seconds).toBeGreaterThanOrEqual(0)
  await client.close()
  expect(sessions).toHaveLength(1)
})

test('an ask is an operation of this side, and one that waits for a later request is none yet', async () => {
  endpoint = createEndpoint(own(), { onError: () => {} })
  const client = await connect(endpoint, 'stateless')
  await (await client.send('tools/call', { name: 'asks', arguments: {} })).text()
  expect(operations).toMatchObject([{ side: 'server', tool: 'asks', errorType: undefined }])
})

test('a request that is refused before anything runs is an operation with its code', async () => {
  endpoint = createEndpoint(own(), { onError: () => {} })
  const client = await connect(endpoint, 'session')
  await client.send('tools/list', {}, { 'mcp-session-id': 'gone' })
  expect(operations.at(-1)).toMatchObject({ method: 'tools/list', errorType: '-32001', code: '-32001' })
})

test('the attributes have the names of the conventions', () => {
  const operation: Operation = {
    side: 'server',
    method: 'tools/call',
    tool: 'ok',
    revision: '2025-11-25',
    code: '-32602',
    errorType: '-32602',
    transport: { kind: 'tcp', version: '1.1' },
    seconds: 1,
  }
  expect(attributesOf(operation)).toEqual({
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2025-11-25',
    'gen_ai.tool.name': 'ok',
    'gen_ai.operation.name': 'execute_tool',
    'rpc.response.status_code': '-32602',
    'error.type': '-32602',
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'network.protocol.version': '1.1',
  })
})

test('a server of the official SDK that answers to every name makes a bounded number of them', async () => {
  endpoint = createEndpoint(official(), { onError: () => {} })
  const client = await connect(endpoint, 'stateless')
  const call = async (name: string) => (await client.send('tools/call', { name, arguments: {} })).text()
  await (await client.send('tools/list')).text()
  for (let n = 0; n < 250; n++) {
    await call(`any-${n}`)
    await call(`bad-${n}`)
  }
  await call('listed')
  const tools = values('tool')
  // 200 that it has answered to, the one that it lists, the others together, and those without a name.
  expect(tools.size).toBe(203)
  expect(tools).toContain('_OTHER')
  expect(operations.at(-1)?.tool).toBe('listed')
})
