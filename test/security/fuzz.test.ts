/** Random bodies, headers, event ids, cursors, states and tokens: no 5xx, no crash, no data of others, no leak. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { Signer } from '../support/authorization.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
/** A few runs of each kind, which expect more than `fuzz/` does: that has many more, by hand. */
const RUNS = { bodies: 6_000, headers: 4_000, events: 2_000, cursors: 2_000, states: 2_000, tokens: 2_000 }
const seed = Number(process.env.FUZZ_SEED ?? 1)

let plain: Endpoint
let guarded: Endpoint
let signer: Signer
let token: string
/** Errors that were reported to the author: there must be none. */
const errors: unknown[] = []
const sessions: Record<string, string> = {}
let eventId = ''
let cursor = ''
let state = ''

function build(): McpServer {
  const server = new McpServer({ name: 'fuzz', version: '1' }, { pageSize: 3 })
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
  server.registerTool('echo', { inputSchema: z.object({ message: z.string() }) }, ({ message }) => text(message))
  server.registerTool('tell', {}, async (ctx) => {
    await ctx.log('info', 'told')
    return text('done')
  })
  server.registerTool('ask', {}, async (ctx) => {
    const { content } = await ctx.elicit('Who?', z.object({ name: z.string() }))
    return text(`asked ${content?.name}`)
  })
  for (let i = 0; i < 10; i++) server.registerPrompt(`p${i}`, {}, () => ({ messages: [] }))
  server.registerResource(
    'item',
    new ResourceTemplate('item://{id}', { complete: { id: (value) => [`${value}!`] } }),
    {},
    (uri) => ({ contents: [{ uri: uri.href, text: 'x' }] }),
  )
  return server
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
}

function send(endpoint: Endpoint, method: string, headers: Record<string, string>, body?: string | Uint8Array | null) {
  const made = new Headers({ 'content-type': 'application/json', accept: ACCEPT_BOTH })
  for (const [name, value] of Object.entries(headers)) {
    try {
      made.set(name, value)
    } catch {
      // HTTP clients and servers refuse it.
    }
  }
  const withBody = method === 'GET' || method === 'HEAD' ? null : ((body ?? null) as string | null)
  return Promise.resolve(endpoint.fetch(new Request(RESOURCE, { method, headers: made, body: withBody })))
}

const json = (endpoint: Endpoint, headers: Record<string, string>, body: unknown) =>
  send(endpoint, 'POST', headers, JSON.stringify(body))

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
  token = await signer.token()
  const onError = (error: unknown) => void errors.push(error)
  plain = createEndpoint(build(), { onError, http: { proxies: 1 }, session: { registerAfter: 5 } })
  guarded = createEndpoint(build(), {
    onError,
    auth: { issuer: 'https://as.example', resource: RESOURCE, jwks: signer.keys },
  })
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'f', version: '1' } }
    const response = await json(plain, {}, request(0, 'initialize', params))
    sessions[version] = response.headers.get('mcp-session-id') ?? ''
  }
  const headers = { 'mcp-session-id': sessions['2025-11-25'] ?? '' }
  const reader = new EventReader(await json(plain, headers, toolCall(1, 'tell')))
  await reader.rest()
  eventId = reader.events[0]?.id ?? ''
  const list = (await (await json(plain, headers, request(2, 'prompts/list'))).json()) as RpcMessage
  cursor = list.result.nextCursor
  state = ((await (await stateless({})).json()) as RpcMessage).result.requestState
})

afterAll(async () => {
  expect(errors).toEqual([])
  await Promise.all([plain.close(), guarded.close()])
})

function stateless(more: object, headers: Record<string, string> = {}): Promise<Response> {
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'ask' }
  const body = request(1, 'tools/call', { name: 'ask', arguments: {}, _meta: META, ...more })
  return json(plain, { ...modern, ...headers }, body)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heap(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** Checks what holds for every response, and reads or cancels its body. */
async function check(response: Response): Promise<RpcMessage | undefined> {
  expect(response.status).toBeLessThan(500)
  const type = response.headers.get('content-type')
  if (type === 'text/event-stream') {
    await response.body?.cancel()
    return undefined
  }
  const text = await response.text()
  expect(text).not.toMatch(/ {4}at |node_modules|\/work|lib\//)
  if (response.status < 400 && text === '') return undefined
  expect(type).toBe('application/json')
  const message = JSON.parse(text) as RpcMessage
  if (response.status >= 400) expect(message).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } })
  return message
}

async function run<T>(name: keyof typeof RUNS, arbitrary: fc.Arbitrary<T>, act: (value: T) => Promise<void>) {
  const property = fc.asyncProperty(arbitrary, act)
  // The first runs fill caches and compile code.
  await fc.assert(property, { numRuns: 500, seed: seed + 1 })
  const before = heap()
  await fc.assert(property, { numRuns: RUNS[name], seed })
  await Promise.all([plain.settled(), guarded.settled()])
  expect(heap() - before).toBeLessThan(16 * 1024 * 1024)
}

const METHODS = [
  ...['initialize', 'ping', 'tools/call', 'tools/list', 'prompts/get', 'prompts/list', 'resources/read'],
  ...['resources/list', 'resources/templates/list', 'resources/subscribe', 'resources/unsubscribe'],
  ...['completion/complete', 'logging/setLevel', 'server/discover', 'tasks/get', 'notifications/initialized'],
  ...['notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed'],
]
const anything = fc.anything({ maxDepth: 2, maxKeys: 4, withNullPrototype: false })
const somewhat = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything })
const id = somewhat(fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.double()))
const meta = somewhat(
  fc.oneof(
    fc.constant(META),
    fc.record({ progressToken: anything }),
    fc.dictionary(fc.string(), anything, { maxKeys: 3 }),
  ),
)
const params = somewhat(
  fc.record(
    {
      name: somewhat(fc.constantFrom('echo', 'tell', 'ask', 'p1', 'nothing')),
      arguments: somewhat(fc.record({ message: fc.oneof(fc.string(), anything) }, { requiredKeys: [] })),
      uri: somewhat(fc.oneof(fc.constant('item://1'), fc.webUrl(), fc.string())),
      cursor: anything,
      level: anything,
      ref: somewhat(fc.constantFrom({ type: 'ref/prompt', name: 'p1' }, { type: 'ref/resource', uri: 'item://{id}' })),
      argument: somewhat(fc.record({ name: fc.constantFrom('id', 'x'), value: fc.string() })),
      protocolVersion: anything,
      capabilities: anything,
      requestId: id,
      notifications: anything,
      requestState: anything,
      inputResponses: anything,
      _meta: meta,
    },
    { requiredKeys: [] },
  ),
)
const message = fc.record(
  {
    jsonrpc: fc.oneof(
      { weight: 9, arbitrary: fc.constant('2.0') as fc.Arbitrary<unknown> },
      { weight: 1, arbitrary: anything },
    ),
    id,
    method: somewhat(fc.oneof(fc.constantFrom(...METHODS), fc.string())),
    params,
    result: anything,
    error: anything,
  },
  { requiredKeys: ['jsonrpc'] },
)
const asText = (value: unknown) =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? ''
const body = fc.oneof(
  { weight: 8, arbitrary: message.map(asText) as fc.Arbitrary<string | Uint8Array> },
  { weight: 2, arbitrary: fc.array(message, { maxLength: 4 }).map(asText) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
)
const session = fc.constantFrom('2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', 'none', 'unknown')

function headersOf(which: string): Record<string, string> {
  if (which === 'none') return {}
  return { 'mcp-session-id': sessions[which] ?? 'unknown' }
}

test('the requests that are changed below are served unchanged', async () => {
  const headers = { 'mcp-session-id': sessions['2025-11-25'] ?? '' }
  const resumed = await send(plain, 'GET', { ...headers, accept: 'text/event-stream', 'last-event-id': eventId })
  expect((await new EventReader(resumed).rest()).at(-1)?.id).toBe(1)
  const page = (await (await json(plain, headers, request(1, 'prompts/list', { cursor }))).json()) as RpcMessage
  expect(page.result.prompts[0].name).toBe('p3')
  const inputResponses = { 'elicit-1': { action: 'accept', content: { name: 'ada' } } }
  const answer = (await (await stateless({ requestState: state, inputResponses })).json()) as RpcMessage
  expect(answer.result.content[0].text).toBe('asked ada')
  expect((await json(guarded, { authorization: `Bearer ${token}` }, request(1, 'ping'))).status).toBe(200)
})

test(`${RUNS.bodies} random bodies are answered with JSON-RPC`, { timeout: 300_000 }, () =>
  run('bodies', fc.tuple(body, session, fc.boolean()), async ([text, which, modern]) => {
    const headers = modern
      ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
      : headersOf(which)
    await check(await send(plain, 'POST', headers, text))
  }),
)

const headerText = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) }),
  fc.constantFrom('null', '2025-11-25', '2026-07-28', 'application/json', '*/*', '=?base64?w6k=?=', 'a, b', ';;q=0'),
)
const HEADERS = [
  ...['accept', 'content-type', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-param-x'],
  ...[
    'last-event-id',
    'origin',
    'host',
    'authorization',
    'content-length',
    'x-forwarded-for',
    'access-control-request-headers',
  ],
]

test(`${RUNS.headers} random sets of headers are answered with JSON-RPC`, { timeout: 300_000 }, () =>
  run(
    'headers',
    fc.tuple(
      fc.constantFrom('POST', 'GET', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'HEAD'),
      fc.dictionary(fc.constantFrom(...HEADERS), headerText, { maxKeys: 6 }),
      fc.constantFrom(
        request(1, 'ping'),
        request(2, 'tools/call', { name: 'echo', arguments: { message: 'm' }, _meta: META }),
      ),
      fc.boolean(),
    ),
    async ([method, headers, text, known]) => {
      const lent = known && method !== 'DELETE' ? headersOf('2025-06-18') : {}
      const response = await send(plain, method, { ...lent, ...headers }, JSON.stringify(text))
      if (method === 'HEAD') expect(response.status).toBeLessThan(500)
      else await check(response)
    },
  ),
)

/** A text with a random change. */
function changed(original: () => string): fc.Arbitrary<string> {
  const position = fc.nat({ max: 400 })
  const char = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 0,
    maxLength: 3,
  })
  return fc
    .oneof(
      fc.tuple(fc.constant('replace'), position, char),
      fc.tuple(fc.constant('cut'), position, char),
      fc.tuple(fc.constant('repeat'), position, char),
      fc.tuple(fc.constant('other'), position, char),
    )
    .map(([how, at, piece]) => {
      const text = original()
      const index = text.length === 0 ? 0 : at % text.length
      if (how === 'replace') return text.slice(0, index) + piece + text.slice(index + 1)
      if (how === 'cut') return text.slice(0, index)
      if (how === 'repeat') return `${text}${piece}${text}`
      return piece
    })
}

test(`${RUNS.events} random event ids return only events of the session`, { timeout: 300_000 }, () =>
  run(
    'events',
    changed(() => eventId),
    async (id) => {
      const headers = {
        'mcp-session-id': sessions['2025-11-25'] ?? '',
        accept: 'text/event-stream',
        'last-event-id': id,
      }
      const response = await send(plain, 'GET', headers)
      const message = await check(response)
      const sent = id.trim()
      // An empty id means none: the session's own stream. The unchanged id may be used.
      if (sent === '' || sent === eventId) return
      expect(response.status).toBe(400)
      expect(message?.error).toBeDefined()
    },
  ),
)

test(`${RUNS.cursors} random cursors return a page of the list or an error`, { timeout: 300_000 }, () =>
  run('cursors', fc.oneof(changed(() => cursor) as fc.Arbitrary<unknown>, anything), async (given) => {
    const text = asText(request(1, 'prompts/list', { cursor: given }))
    const response = await send(plain, 'POST', headersOf('2025-11-25'), text)
    const answer = await check(response)
    expect(response.status).toBe(200)
    if (answer?.error) expect(answer.error.code).toBe(-32602)
    else for (const prompt of answer?.result.prompts ?? []) expect(prompt.name).toMatch(/^p\d$/)
  }),
)

test(`${RUNS.states} changed values of requestState are refused`, { timeout: 300_000 }, () =>
  run('states', fc.oneof(changed(() => state) as fc.Arbitrary<unknown>, anything), async (given) => {
    const text = asText(given)
    if (text === '' || text === asText(state)) return
    const inputResponses = { 'elicit-1': { action: 'accept', content: { name: 'mallory' } } }
    const answer = await check(await stateless({ requestState: JSON.parse(text) as unknown, inputResponses }))
    expect(answer?.error?.code).toBe(-32602)
  }),
)

test(`${RUNS.tokens} random tokens are refused`, { timeout: 300_000 }, () =>
  run(
    'tokens',
    fc.tuple(
      fc.constantFrom('Bearer ', 'bearer  ', 'Basic ', ''),
      changed(() => token),
    ),
    async ([scheme, given]) => {
      if (given.trim() === token) return
      const response = await json(guarded, { authorization: scheme + given }, request(1, 'ping'))
      expect([400, 401]).toContain(response.status)
      await check(response)
    },
  ),
)
