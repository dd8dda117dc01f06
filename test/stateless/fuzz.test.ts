/** Random headers, `_meta` and states: the endpoint never answers 5xx, and never gives a result for a changed state. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { server } from '../fixtures/everything.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage } from '../support/raw.ts'
import { ALL, body, headers, META, retry, tool, VERSION } from './requests.ts'

let endpoint: Endpoint

beforeAll(() => {
  endpoint = createEndpoint(server, { keys: [Buffer.alloc(32, 5)], onError: () => {} })
})
afterAll(() => endpoint.close())

async function post(message: unknown, extra: Record<string, string>): Promise<{ status: number; answer?: RpcMessage }> {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra }
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  const response = await endpoint.fetch(
    new Request('http://localhost/mcp', { method: 'POST', headers: all, body: text }),
  )
  if (response.headers.get('content-type') === 'text/event-stream') {
    const answer = (await new EventReader(response).rest()).at(-1)
    return { status: response.status, ...(answer && { answer }) }
  }
  const read = await response.text()
  return { status: response.status, ...(read !== '' && { answer: JSON.parse(read) as RpcMessage }) }
}

/** Any text that fetch accepts as a header value. */
const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((n) => String.fromCharCode(n)),
  maxLength: 40,
})
const version = fc.oneof(
  fc.constantFrom(
    VERSION,
    '2025-11-25',
    '2025-03-26',
    '2024-11-05',
    '2099-01-01',
    `${VERSION}, ${VERSION}`,
    '',
    'null',
  ),
  headerText,
)
const json = fc.jsonValue({ maxDepth: 3 })
const method = fc.oneof(
  fc.constantFrom('tools/call', 'tools/list', 'server/discover', 'initialize', 'ping', 'resources/read', 'prompts/get'),
  fc.constantFrom('completion/complete', 'resources/subscribe', 'tasks/get', 'notifications/cancelled', ''),
  fc.string({ maxLength: 20 }),
)
const meta = fc.oneof(
  fc.record(
    {
      [META.version]: fc.oneof(version, json),
      [META.capabilities]: fc.oneof(fc.constant(ALL), json),
      [META.info]: json,
      [META.logLevel]: fc.oneof(fc.constantFrom('info', 'loud'), json),
      progressToken: fc.oneof(fc.integer(), fc.string(), json),
    },
    { requiredKeys: [] },
  ),
  json,
)
const named = fc.constantFrom('echo', 'ask', 'none', 'test_x_mcp_header', 'test://static-text', 'test_simple_prompt')

test('random headers and _meta never give a 5xx, and every 4xx has a JSON-RPC error', async () => {
  const request = fc.record({
    headers: fc.record(
      {
        'mcp-protocol-version': version,
        'mcp-method': fc.oneof(
          method.filter((m) => /^[\x21-\x7e]*$/.test(m)),
          headerText,
        ),
        'mcp-name': fc.oneof(
          named,
          headerText,
          fc.string().map((s) => `=?base64?${Buffer.from(s).toString('base64')}?=`),
        ),
        'mcp-param-region': headerText,
        'mcp-session-id': headerText,
      },
      { requiredKeys: [] },
    ),
    message: fc.record(
      {
        jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: json }),
        id: fc.oneof(fc.integer(), fc.string(), json),
        method: fc.oneof({ weight: 9, arbitrary: method }, { weight: 1, arbitrary: json }),
        params: fc.oneof(
          {
            weight: 9,
            arbitrary: fc.record(
              { _meta: meta, name: fc.oneof(named, json), uri: fc.oneof(named, json), arguments: json },
              { requiredKeys: [] },
            ),
          },
          { weight: 1, arbitrary: json },
        ),
      },
      { requiredKeys: [] },
    ),
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ headers: extra, message }) => {
      const { status, answer } = await post(message, extra)
      expect(status).toBeLessThan(500)
      if (status >= 400) expect(answer).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } })
      if (answer?.error && extra['mcp-protocol-version'] === VERSION && status !== 404) {
        // The revision defines no codes from -32000 to -32019.
        const { code } = answer.error
        expect(code <= -32000 && code >= -32019).toBe(false)
      }
    }),
    { numRuns: 8_000 },
  )
}, 120_000)

test('a changed requestState never gives a result', async () => {
  const request = tool('ask')
  const first = (await post(body(request), headers(request))).answer as RpcMessage
  const state = first.result.requestState as string
  const answered = retry(request, first, { 'elicit-1': { action: 'accept', content: { number: 1 } } })
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const changed = fc.oneof(
    // One character is replaced.
    fc
      .tuple(fc.nat(state.length - 1), fc.nat(63))
      .map(([at, n]) => state.slice(0, at) + alphabet[n] + state.slice(at + 1)),
    fc.nat(state.length - 1).map((at) => state.slice(0, at)),
    fc
      .tuple(fc.nat(state.length), fc.string({ maxLength: 5 }))
      .map(([at, s]) => state.slice(0, at) + s + state.slice(at)),
    fc.base64String().map((s) => s.replaceAll('=', '')),
    json,
  )
  await fc.assert(
    fc.asyncProperty(changed, async (requestState) => {
      fc.pre(requestState !== state)
      const tampered = { ...answered, params: { ...answered.params, requestState } }
      const { status, answer } = await post(body(tampered), headers(tampered))
      expect(status).toBeLessThan(500)
      expect(answer?.error?.code).toBe(-32602)
      expect(answer?.result).toBeUndefined()
    }),
    { numRuns: 3_000 },
  )
  expect((await post(body(answered), headers(answered))).answer?.result.resultType).toBe('complete')
}, 120_000)
