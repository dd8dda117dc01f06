/** The rows of docs/leniency.md over HTTP: in sessions, batches, HTTP+SSE and the stateless revision, and what is never lenient. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { isObject, type JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { type Lenient, type Members, REQUEST } from '../../lib/protocol/leniency.ts'
import { METHODS } from '../../lib/protocol/methods.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { body as statelessBody, headers as statelessHeaders } from '../stateless/requests.ts'
import {
  answerOf,
  call,
  EventReader,
  initialize,
  post,
  postStream,
  type RawSession,
  type RpcMessage,
  request,
  toolCall,
} from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

function build(): McpServer {
  const server = new McpServer({ name: 'lenient', version: '1' })
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
  server.registerTool('plain', {}, () => text('plain'))
  server.registerTool(
    'mirrored',
    { inputSchema: z.object({ region: z.string().optional().meta({ 'x-mcp-header': 'Region' }) }) },
    ({ region }) => text(`region ${region}`),
  )
  server.registerResource('fixed', 'test://fixed', {}, () => ({ contents: [{ uri: 'test://fixed', text: 'x' }] }))
  const template = new ResourceTemplate('test://t/{x}', { complete: { x: () => ['a'] } })
  server.registerResource('template', template, {}, () => ({ contents: [] }))
  server.registerPrompt('plain', {}, () => ({ messages: [] }))
  return server
}

/** Valid parameters of each method. */
const BASE: Record<string, JsonObject> = {
  initialize: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } },
  'logging/setLevel': { level: 'info' },
  'resources/subscribe': { uri: 'test://fixed' },
  'resources/unsubscribe': { uri: 'test://fixed' },
  'resources/read': { uri: 'test://fixed' },
  'tools/call': { name: 'plain' },
  'prompts/get': { name: 'plain' },
  'completion/complete': { ref: { type: 'ref/resource', uri: 'test://t/{x}' }, argument: { name: 'x', value: '' } },
  'subscriptions/listen': { notifications: {} },
}

type Row = [path: string[], value: 'null' | '[]' | '""', meaning: string]

function rowsOf(members: Members, prefix: string[] = []): Row[] {
  return Object.entries(members).flatMap(([name, lenient]: [string, Lenient]) => {
    const path = [...prefix, name === '*' ? 'experimental' : name]
    const own = (['null', '[]', '""'] as const).flatMap((value): Row[] => {
      const meaning = lenient[value]
      return meaning === undefined ? [] : [[path, value, meaning]]
    })
    return [...own, ...rowsOf(lenient.members ?? {}, path)]
  })
}
const ROWS = rowsOf(REQUEST)
const MEANINGS: Record<string, unknown> = { absent: undefined, '{}': {}, '[]': [] }

function put(object: JsonObject, path: string[], value: unknown): JsonObject {
  const [first = '', ...rest] = path
  const inner = isObject(object[first]) ? object[first] : {}
  return { ...object, [first]: rest.length === 0 ? value : put(inner, rest, value) }
}

describe('a value of a row is served as what it means', () => {
  let endpoint: Endpoint
  beforeAll(() => {
    endpoint = createEndpoint(build(), { http: { addressRate: undefined } })
  })
  afterAll(() => endpoint.close())

  async function send(message: unknown, headers: Record<string, string> = {}) {
    const init = { method: 'POST', body: JSON.stringify(message), headers: { ...TYPES, ...headers } }
    const response = await endpoint.fetch(new Request('http://localhost/mcp', init))
    const listens = response.headers.get('content-type') === 'text/event-stream'
    const text = listens ? await firstOf(response) : await response.text()
    return { status: response.status, text, id: response.headers.get('mcp-session-id') }
  }
  const TYPES = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

  async function firstOf(response: Response): Promise<string> {
    const reader = new EventReader(response)
    const first = await reader.message()
    reader.drop()
    return JSON.stringify(first)
  }

  async function open(revision: string): Promise<Record<string, string>> {
    const { id } = await send(request(0, 'initialize', { ...BASE.initialize, protocolVersion: revision }))
    return { 'mcp-session-id': id ?? '' }
  }

  const sessionMethods = [...METHODS].filter(([, { servedBy }]) => servedBy !== 'stateless').map(([name]) => name)

  test.each(sessionMethods)('%s in a session', async (method) => {
    const headers = await open('2025-11-25')
    const base = { ...request(1, method), ...(BASE[method] && { params: BASE[method] }) } as JsonObject
    for (const [path, value, meaning] of ROWS) {
      const given = await send(put(base, path, JSON.parse(value)), headers)
      const meant = await send(put(base, path, MEANINGS[meaning]), headers)
      expect([path, given.status, given.text]).toEqual([path, meant.status, meant.text])
    }
  })

  test.each(sessionMethods.filter((method) => method !== 'initialize'))('%s in a batch', async (method) => {
    const headers = await open('2025-03-26')
    const base = { ...request(1, method), ...(BASE[method] && { params: BASE[method] }) } as JsonObject
    // A message with the capabilities of the stateless revision belongs to that revision, which has no batches.
    const rows = ROWS.filter(([path]) => !path.includes('io.modelcontextprotocol/clientCapabilities'))
    const batch = (make: (row: Row) => unknown) =>
      rows.map((row, id) => put(put(base, ['id'], id), row[0], make(row))).slice(0, 50)
    const given = await send(
      batch(([, value]) => JSON.parse(value)),
      headers,
    )
    const meant = await send(
      batch(([, , meaning]) => MEANINGS[meaning]),
      headers,
    )
    expect(given.status).toBe(200)
    expect(given.text).toBe(meant.text)
  })

  const statelessMethods = [...METHODS].filter(([, { servedBy }]) => servedBy !== 'session').map(([name]) => name)

  test.each(statelessMethods)('%s in the stateless revision', async (method) => {
    const described = { method, params: BASE[method] ?? {} }
    const base = statelessBody(described) as unknown as JsonObject
    for (const [path, value, meaning] of ROWS) {
      const given = await send(put(base, path, JSON.parse(value)), statelessHeaders(described))
      const meant = await send(put(base, path, MEANINGS[meaning]), statelessHeaders(described))
      expect([path, given.status, given.text]).toEqual([path, meant.status, meant.text])
    }
  })

  test('[] is no arguments where a header repeats one of them', async () => {
    const described = { method: 'tools/call', params: { name: 'mirrored' } }
    const base = statelessBody(described) as unknown as JsonObject
    const given = put(base, ['params', 'arguments'], [])
    const refused = await send(given, { ...statelessHeaders(described), 'mcp-param-region': 'eu' })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('-32020')
    expect((await send(given, statelessHeaders(described))).text).toContain('region undefined')
    // The header for an argument that is there must be there, too.
    const named = put(base, ['params', 'arguments'], { region: 'eu' })
    expect((await send(named, statelessHeaders(described))).status).toBe(400)
  })

  test.each([
    ['capabilities', 'text'],
    ['capabilities', [1]],
    ['capabilities', { sampling: true }],
    ['capabilities', { elicitation: 'form' }],
    ['capabilities', { elicitation: { url: 1 } }],
    ['capabilities', { roots: [1] }],
    ['clientInfo', 'name'],
    ['clientInfo', { name: 1, version: '1' }],
    ['clientInfo', { name: 'a', version: 2 }],
  ])('a description of the client that is none is 400 -32602: %s %j', async (member, value) => {
    const opened = await send(request(1, 'initialize', { ...BASE.initialize, [member]: value }))
    expect(opened.status).toBe(400)
    expect(JSON.parse(opened.text)).toMatchObject({
      id: 1,
      error: { code: -32602, message: expect.stringContaining(member) },
    })
    const key = `io.modelcontextprotocol/${member === 'clientInfo' ? member : 'clientCapabilities'}`
    const described = { method: 'tools/list', meta: { [key]: value } }
    const stateless = await send(statelessBody(described), statelessHeaders(described))
    expect(stateless.status).toBe(400)
    expect(JSON.parse(stateless.text)).toMatchObject({
      id: 1,
      error: { code: -32602, message: expect.stringContaining(key) },
    })
  })

  test.each([
    ['completion/complete', { ...BASE['completion/complete'], context: 'x' }, '"context"'],
    [
      'completion/complete',
      { ...BASE['completion/complete'], context: { arguments: { a: 1 } } },
      '"context.arguments.a"',
    ],
    ['tools/call', { name: 'plain', arguments: 'x' }, '"arguments"'],
    ['prompts/get', { name: 'plain', arguments: [1] }, '"arguments"'],
    ['tools/list', { cursor: 5 }, 'cursor'],
    ['logging/setLevel', { level: null }, '"level"'],
    ['resources/read', { uri: null }, '"uri"'],
  ])('another value is an error that names the member: %s %j', async (method, params, named) => {
    const { text } = await send(request(1, method, params), await open('2025-11-25'))
    expect(JSON.parse(text)).toMatchObject({ error: { code: -32602, message: expect.stringContaining(named) } })
  })

  test('a filter of subscriptions that is no filter is an error', async () => {
    for (const notifications of [null, 'x', { toolsListChanged: 1 }, { resourceSubscriptions: {} }]) {
      const described = { method: 'subscriptions/listen', params: { notifications } }
      const { text } = await send(statelessBody(described), statelessHeaders(described))
      expect(JSON.parse(text)).toMatchObject({ error: { code: -32602, message: expect.stringContaining('"') } })
    }
  })
})

describe('a client that writes null', () => {
  let server: EverythingServer
  beforeAll(async () => {
    server = await startEverything({ legacySse: true })
  })
  afterAll(() => server.stop())

  const NONE = { elicitation: null, sampling: null, roots: null }

  test('for its capabilities is not asked, and the error names the capability', async () => {
    const session = await initialize(server.url, '2025-11-25', NONE)
    for (const [tool, capability] of [
      ['ask', 'elicitation'],
      ['sample_tools', 'sampling'],
      ['roots', 'roots'],
    ]) {
      const { result } = await call(server.url, session, toolCall(1, tool ?? ''))
      expect(result).toMatchObject({ isError: true })
      expect(result.content[0].text).toContain(`the capability "${capability}`)
      const described = { method: 'tools/call', params: { name: tool, arguments: {} }, capabilities: NONE }
      const headers = statelessHeaders(described as never)
      const { error } = await answerOf(await post(server.url, statelessBody(described as never), { headers }))
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { [capability ?? '']: {} } } })
    }
  })

  test('[] for a capability has the capability', async () => {
    const session = await initialize(server.url, '2025-11-25', { elicitation: [] })
    const stream = await postStream(server.url, toolCall(1, 'ask'), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    await post(server.url, { jsonrpc: '2.0', id: message?.id, result: { action: 'cancel' } }, { session })
    expect((await stream.rest()).at(-1)?.result.content[0].text).toContain('cancel')
  })

  async function asked(session: RawSession) {
    const stream = await postStream(server.url, toolCall(1, 'ask'), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    const answer = async (response: object) => {
      const posted = await post(server.url, { jsonrpc: '2.0', id: message?.id, ...response }, { session })
      return posted.status
    }
    const result = async () => JSON.parse((await stream.rest()).at(-1)?.result.content[0].text) as JsonObject
    return { answer, result }
  }

  test.each([
    ['content beside decline', { result: { action: 'decline', content: null } }, { action: 'decline' }],
    ['content beside cancel', { result: { action: 'cancel', content: [] } }, { action: 'cancel' }],
    ['an error beside a result', { result: { action: 'cancel' }, error: null }, { action: 'cancel' }],
    ['a method beside a result', { method: null, params: null, result: { action: 'cancel' } }, { action: 'cancel' }],
    ['a result beside an error', { result: null, error: { code: -1, message: 'no' } }, { failed: 'refused', code: -1 }],
    ['the whole result', { result: null, error: null }, { failed: 'invalid' }],
    [
      'a field of a form',
      { result: { action: 'accept', content: { number: 3, other: null } } },
      { action: 'accept', content: { number: 3 } },
    ],
  ])('for %s ends the ask', async (_what, response, outcome) => {
    const { answer, result } = await asked(await initialize(server.url))
    expect(await answer(response)).toBe(202)
    expect(await result()).toEqual(outcome)
  })

  test('a response with a result and an error is 400, and the ask waits for a right one', async () => {
    const { answer, result } = await asked(await initialize(server.url))
    expect(await answer({ result: { action: 'cancel' }, error: { code: 1, message: 'no' } })).toBe(400)
    expect(await answer({ result: { action: 'cancel' } })).toBe(202)
    expect(await result()).toEqual({ action: 'cancel' })
  })

  test('works over HTTP+SSE', async () => {
    const stream = new EventReader(
      await fetch(new URL('/sse', server.url), { headers: { accept: 'text/event-stream' } }),
    )
    const address = new URL((await stream.next())?.data ?? '', server.url)
    const send = async (message: object) => expect((await post(address, message)).status).toBe(202)
    const answered = async (id: number) => (await stream.until((message: RpcMessage) => message.id === id)).message
    const params = { protocolVersion: '2024-11-05', capabilities: NONE, clientInfo: null }
    await send({ ...request(0, 'initialize', params), error: null })
    expect((await answered(0))?.result.protocolVersion).toBe('2024-11-05')
    await send({ ...request(1, 'tools/list'), params: [] })
    expect((await answered(1))?.result.tools.length).toBeGreaterThan(0)
    await send(request(2, 'tools/call', { name: 'roots', arguments: [], _meta: null }))
    expect((await answered(2))?.result.isError).toBe(true)
    expect((await post(address, { jsonrpc: '2.0', id: null, method: 'ping' })).status).toBe(400)
    expect((await post(address, [request(3, 'ping')])).status).toBe(400)
    stream.drop()
  })

  test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('a batch is 400 in %s, whatever is in it', async (version) => {
    const session = await initialize(server.url, version)
    for (const batch of [[], [null], [request(1, 'ping')], [{ ...request(1, 'ping'), params: [] }]]) {
      expect((await post(server.url, batch, { session })).status).toBe(400)
    }
  })

  test('the id null is 400 and runs nothing, in sessions and without', async () => {
    const session = await initialize(server.url)
    for (const message of [
      { ...toolCall(1, 'user_set', { name: 'null-id', value: 'ran' }), id: null },
      { ...toolCall(1, 'user_set', { name: 'null-id', value: 'ran' }), id: null, error: {} },
    ]) {
      expect((await post(server.url, message, { session })).status).toBe(400)
      const described = { method: 'tools/call', params: { name: 'user_set' } }
      const stateless = { ...statelessBody(described), id: null }
      expect((await post(server.url, stateless, { headers: statelessHeaders(described) })).status).toBe(400)
    }
    const { result } = await call(server.url, session, toolCall(2, 'user_get', { name: 'null-id' }))
    expect(result.content[0].text).toBe('null')
  })
})
