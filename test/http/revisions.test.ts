/** The revision that a request speaks: every case, as a table. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initialize, post, type RawSession, type RpcMessage } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

const E = '2026-07-28'
const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPS = 'io.modelcontextprotocol/clientCapabilities'
const INFO = 'io.modelcontextprotocol/clientInfo'

let server: EverythingServer
let session: RawSession
let old: RawSession

beforeAll(async () => {
  server = await startEverything()
  session = await initialize(server.url)
  old = await initialize(server.url, '2025-03-26')
})
afterAll(() => server.stop())

const meta = (claim: unknown = E, more: object = {}) => ({
  [VERSION]: claim,
  [CAPS]: {},
  [INFO]: { name: 'a', version: '1' },
  ...more,
})
const rpc = (method: string, params?: object, id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params && { params }),
})
const modern = (method: string, params: object = {}, claim: unknown = E) =>
  rpc(method, { ...params, _meta: meta(claim) })
const h = (version?: string, method?: string, name?: string): Record<string, string> => ({
  ...(version !== undefined && { 'mcp-protocol-version': version }),
  ...(method !== undefined && { 'mcp-method': method }),
  ...(name !== undefined && { 'mcp-name': name }),
})
const init = (protocolVersion: string) => ({
  protocolVersion,
  capabilities: {},
  clientInfo: { name: 'a', version: '1' },
})
const list = 'tools/list'

type Expected = [status: number, code?: number]
interface Row {
  what: string
  headers?: Record<string, string>
  body: unknown
  expected: Expected
  session?: 'new' | 'old'
}

const rows: Row[] = [
  { what: 'V-1 header and claim agree', headers: h(E, list), body: modern(list), expected: [200] },
  { what: 'V-2 the header is absent', headers: h(undefined, list), body: modern(list), expected: [400, -32020] },
  { what: 'V-3 no params', headers: h(E, list), body: rpc(list), expected: [400, -32602] },
  {
    what: 'V-4 no version in _meta',
    headers: h(E, list),
    body: rpc(list, { _meta: { [CAPS]: {} } }),
    expected: [400, -32602],
  },
  {
    what: 'V-5 no capabilities in _meta',
    headers: h(E, list),
    body: rpc(list, { _meta: { [VERSION]: E } }),
    expected: [400, -32602],
  },
  {
    what: 'V-6 no clientInfo',
    headers: h(E, list),
    body: rpc(list, { _meta: { [VERSION]: E, [CAPS]: {} } }),
    expected: [200],
  },
  { what: 'V-7 an older header', headers: h('2025-11-25', list), body: modern(list), expected: [400, -32020] },
  {
    what: 'V-8 a mismatch outranks an unsupported claim',
    headers: h(E, list),
    body: modern(list, {}, 'v999'),
    expected: [400, -32020],
  },
  {
    what: 'V-9 an unknown version in both',
    headers: h('v999.0.0', list),
    body: modern(list, {}, 'v999.0.0'),
    expected: [400, -32022],
  },
  {
    what: 'V-10 an older version in the envelope',
    headers: h('2025-11-25', list),
    body: modern(list, {}, '2025-11-25'),
    expected: [400, -32022],
  },
  { what: 'V-11 initialize', body: rpc('initialize', init('2025-11-25')), expected: [200] },
  {
    what: 'V-12 initialize with the new header and no claim',
    headers: h(E),
    body: rpc('initialize', init('2025-11-25')),
    expected: [400, -32602],
  },
  {
    what: 'V-13 initialize with a claim',
    headers: h(E, 'initialize'),
    body: modern('initialize', init(E)),
    expected: [404, -32601],
  },
  ...['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tasks/result', 'tasks/list'].map(
    (method) => ({
      what: `V-16 ${method} is no longer a method`,
      headers: h(E, method),
      body: modern(method),
      expected: [404, -32601] as Expected,
    }),
  ),
  { what: 'V-17 an unknown method', headers: h(E, 'a/b'), body: modern('a/b'), expected: [404, -32601] },
  { what: 'V-18 an unknown method in a session', body: rpc('a/b'), session: 'new', expected: [200, -32601] },
  { what: 'V-19 no header, a session', body: rpc(list), session: 'new', expected: [200] },
  { what: 'V-20 no header, no session', body: rpc(list), expected: [400, -32600] },
  {
    what: 'V-21 an unknown header without a claim',
    headers: h('2099-01-01'),
    body: rpc(list),
    expected: [400, -32022],
  },
  { what: 'V-21 a header that is none', headers: h('foo'), body: rpc(list), expected: [400, -32022] },
  {
    what: 'V-23 a session id beside a claim is ignored',
    headers: { ...h(E, list), 'mcp-session-id': 'expired' },
    body: modern(list),
    expected: [200],
  },
  {
    what: 'V-24 the new header with a session and no claim',
    headers: h(E),
    body: rpc(list),
    session: 'new',
    expected: [400, -32602],
  },
  {
    what: 'V-28 a notification with the new header',
    headers: h(E),
    body: { jsonrpc: '2.0', method: 'notifications/x' },
    expected: [202],
  },
  {
    what: 'V-29 a cancel with the new header',
    headers: h(E),
    body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    expected: [202],
  },
  {
    what: 'V-30 a notification in a session',
    body: { jsonrpc: '2.0', method: 'notifications/x' },
    session: 'new',
    expected: [202],
  },
  {
    what: 'V-31 a response with the new header',
    headers: h(E),
    body: { jsonrpc: '2.0', id: 1, result: {} },
    expected: [400, -32600],
  },
  { what: 'V-32 an array in 2025-03-26', body: [rpc('ping')], session: 'old', expected: [200] },
  { what: 'V-33 an array in 2025-11-25', body: [rpc('ping')], session: 'new', expected: [400, -32600] },
  { what: 'V-34 an array with the new header', headers: h(E), body: [rpc('ping')], expected: [400, -32600] },
  { what: 'V-34 an array with a claim in it', body: [modern(list)], session: 'old', expected: [400, -32600] },
  { what: 'V-35 an empty array', body: [], session: 'old', expected: [400, -32600] },
  { what: 'V-36 broken JSON', headers: h(E), body: '{', expected: [400, -32700] },
  { what: 'V-37 the id null', headers: h(E, list), body: { ...modern(list), id: null }, expected: [400, -32600] },
  { what: 'V-37 a fractional id', headers: h(E, list), body: { ...modern(list), id: 0.5 }, expected: [400, -32600] },
  {
    what: 'V-38 names in any case, values with spaces',
    headers: { 'MCP-PROTOCOL-version': ` ${E} `, 'MCP-Method': ` ${list}  ` },
    body: modern(list),
    expected: [200],
  },
  { what: 'V-39 values in another case', headers: h(E, 'TOOLS/LIST'), body: modern(list), expected: [400, -32020] },
  { what: 'V-40 the header twice', headers: h(`${E}, ${E}`, list), body: modern(list), expected: [400, -32020] },
  { what: 'V-41 capabilities alone', body: rpc(list, { _meta: { [CAPS]: {} } }), expected: [400, -32602] },
  { what: 'V-42 a version that is no string', headers: h(E, list), body: modern(list, {}, 7), expected: [400, -32602] },
  {
    what: 'V-43 an unknown level',
    headers: h(E, list),
    body: rpc(list, { _meta: meta(E, { 'io.modelcontextprotocol/logLevel': 'loud' }) }),
    expected: [400, -32602],
  },
  {
    what: 'V-44 no jsonrpc',
    headers: h(E, list),
    body: { id: 1, method: list, params: { _meta: meta() } },
    expected: [400, -32600],
  },
  {
    what: 'V-45 another reserved key is no claim',
    headers: h('2025-11-25'),
    body: rpc(list, { _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'x' } } }),
    session: 'new',
    expected: [200],
  },
  { what: 'V-46 Mcp-Method is absent', headers: h(E), body: modern(list), expected: [400, -32020] },
  {
    what: 'V-46 Mcp-Name is absent',
    headers: h(E, 'tools/call'),
    body: modern('tools/call', { name: 'echo' }),
    expected: [400, -32020],
  },
  {
    what: 'V-46 Mcp-Name is another',
    headers: h(E, 'tools/call', 'x'),
    body: modern('tools/call', { name: 'echo' }),
    expected: [400, -32020],
  },
  {
    what: 'V-47 an unknown tool',
    headers: h(E, 'tools/call', 'none'),
    body: modern('tools/call', { name: 'none' }),
    expected: [200, -32602],
  },
  {
    what: 'V-48 another content type',
    headers: { ...h(E, list), 'content-type': 'text/plain' },
    body: modern(list),
    expected: [415, -32600],
  },
  {
    what: 'a name in base64',
    headers: h(E, 'tools/call', `=?base64?${Buffer.from('echo').toString('base64')}?=`),
    body: modern('tools/call', { name: 'echo', arguments: { message: 'x' } }),
    expected: [200],
  },
  ...['=?base64?ZWNobw?=', '=?base64?ZWNo!!!bw==?=', '=?BASE64?ZWNobw==?=', '=?base64?ZWNobw=='].map((name) => ({
    what: `a name in base64 that is malformed: ${name}`,
    headers: h(E, 'tools/call', name),
    body: modern('tools/call', { name: 'echo' }),
    expected: [400, -32020] as Expected,
  })),
]

describe('POST', () => {
  test.each(rows)('$what', async ({ headers = {}, body, expected: [status, code], session: which }) => {
    const chosen = which === 'old' ? old : which === 'new' ? session : undefined
    const response = await post(server.url, body, {
      headers: { ...(chosen && { 'mcp-session-id': chosen.id }), ...headers },
    })
    const text = await response.text()
    const answer = (text === '' ? {} : JSON.parse(text)) as RpcMessage
    expect([response.status, answer.error?.code], text).toEqual([status, code])
    if (headers['mcp-protocol-version'] === E) expect(response.headers.get('mcp-session-id')).toBeNull()
    // Errors have the id of the request where its body was read; some requests are refused before that.
    const { id, method } = body as { id?: unknown; method?: unknown }
    const named = typeof id === 'number' && Number.isInteger(id) && method !== undefined && status !== 415
    if (code !== undefined) expect(answer.id, text).toBe(named ? id : undefined)
  })

  test('V-1: the result is complete and has its cache hints', async () => {
    const { result } = (await (await post(server.url, modern(list), { headers: h(E, list) })).json()) as RpcMessage
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: expect.any(Number) })
    expect(['public', 'private']).toContain(result.cacheScope)
  })

  test('V-12, V-21: the error for an unknown version names the supported ones', async () => {
    const asked = await post(server.url, rpc(list), { headers: h('2099-01-01') })
    const { error } = (await asked.json()) as RpcMessage
    expect(error?.data).toMatchObject({ requested: '2099-01-01', supported: expect.arrayContaining([E, '2025-11-25']) })
    const opened = await post(server.url, rpc('initialize', init(E)), { headers: h(E) })
    expect(((await opened.json()) as RpcMessage).error?.message).toContain('2025-11-25')
  })

  test('V-22: another supported version in the header is served with the session’s', async () => {
    const whoami = rpc('tools/call', { name: 'whoami' })
    const response = await post(server.url, whoami, { session, headers: h('2025-06-18') })
    const { result } = (await response.json()) as RpcMessage
    expect(JSON.parse(result.content[0].text).revision).toBe('2025-11-25')
  })

  test('V-9: the error names the supported versions, as server/discover does', async () => {
    const refused = await post(server.url, modern(list, {}, 'v999'), { headers: h('v999', list) })
    const { error } = (await refused.json()) as RpcMessage
    expect(error?.data.requested).toBe('v999')
    const found = await post(server.url, modern('server/discover'), { headers: h(E, 'server/discover') })
    const { result } = (await found.json()) as RpcMessage
    expect(result.supportedVersions).toEqual(error?.data.supported)
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: expect.any(Number), cacheScope: expect.any(String) })
    expect(result._meta['io.modelcontextprotocol/serverInfo']).toMatchObject({ name: 'everything', version: '1.0.0' })
  })

  test.each([
    ['2026-07-28', '2025-11-25'],
    ['1.0.0', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
  ])('V-14, V-15: initialize with %s is answered with %s', async (asked, given) => {
    const response = await post(server.url, rpc('initialize', init(asked)))
    expect(((await response.json()) as RpcMessage).result.protocolVersion).toBe(given)
    expect(response.headers.get('mcp-session-id')).toBeTruthy()
  })
})

describe('GET and DELETE', () => {
  test.each(['GET', 'DELETE'])('V-25, V-26: %s with the new header is 405', async (method) => {
    const headers = { 'mcp-protocol-version': E, accept: 'text/event-stream', 'mcp-session-id': session.id }
    const response = await fetch(server.url, { method, headers })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect(((await response.json()) as RpcMessage).error).toBeDefined()
  })

  test('V-27: GET without a session is 400, never an endpoint event', async () => {
    const response = await fetch(server.url, { headers: { accept: 'text/event-stream' } })
    expect(response.status).toBe(400)
  })
})

describe('Mcp-Param', () => {
  const call = (args: object, headers: Record<string, string>) =>
    post(server.url, modern('tools/call', { name: 'test_x_mcp_header', arguments: args }), {
      headers: { ...h(E, 'tools/call', 'test_x_mcp_header'), ...headers },
    })

  test.each<[string, object, Record<string, string>, number]>([
    ['repeats the argument', { region: 'eu' }, { 'mcp-param-region': 'eu' }, 200],
    [
      'in base64',
      { region: 'münchen' },
      { 'mcp-param-region': `=?base64?${Buffer.from('münchen').toString('base64')}?=` },
      200,
    ],
    ['is missing', { region: 'eu' }, {}, 400],
    ['is another', { region: 'eu' }, { 'mcp-param-region': 'us' }, 400],
    ['is there without the argument', {}, { 'mcp-param-region': 'eu' }, 400],
  ])('%s', async (_what, args, headers, status) => {
    const response = await call(args, headers)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as RpcMessage
    if (status === 400) expect(error?.code).toBe(-32020)
  })
})
