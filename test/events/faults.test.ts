/** Why a call failed: what its event says of hidden entries, limits and middleware, in sessions and stateless. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CallEvent, onEvent } from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'

let endpoint: Endpoint
let events: CallEvent[]
let end: () => void

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

function build(): McpServer {
  const server = new McpServer({ name: 'faults', version: '1' })
  server.registerTool('ok', {}, () => text('ok'))
  server.registerTool('hidden', { visible: () => false }, () => text('ok'))
  server.registerTool('large', { maxResultBytes: 10 }, () => text('more than ten bytes'))
  server.registerTool('throws', {}, () => {
    throw new RangeError('out of tea')
  })
  server.registerTool('refuses', {}, () => {
    throw new ProtocolError(-32_050, 'not today')
  })
  server.use(({ method, params }, next) => {
    const what = (params._meta as { do?: string } | undefined)?.do ?? method
    if (what === 'refuse') throw new ProtocolError(-32_051, 'not for you')
    if (what === 'throw') throw new SyntaxError('no JSON')
    if (what === 'invalid') return { content: 5 }
    if (what === 'prompts/list') throw new SyntaxError('no list')
    return next()
  })
  server.registerPrompt('p', {}, () => ({ messages: [] }))
  return server
}

beforeEach(() => {
  events = []
  end = onEvent('call', (event) => events.push({ ...event }))
  endpoint = createEndpoint(build(), { onError: () => {} })
})
afterEach(async () => {
  end()
  await endpoint.close()
})

async function send(sent: object, headers: Record<string, string>): Promise<Response> {
  const all = { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers }
  return endpoint.fetch(
    new Request('http://localhost/mcp', { method: 'POST', body: JSON.stringify(sent), headers: all }),
  )
}

const ERAS: [string, (method: string, params: Record<string, unknown>) => Promise<Response>][] = [
  [
    'in a session',
    async (method, params) => {
      const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
      const opened = await send(request(0, 'initialize', opening), {})
      return send(request(1, method, params), { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' })
    },
  ],
  [
    'stateless',
    async (method, { _meta, ...params }) => {
      const made = { method, params, meta: _meta as Record<string, unknown> }
      return send(body(made), statelessHeaders(made))
    },
  ],
]

describe.each(ERAS)('%s', (_, run) => {
  test.each([
    ['ok', undefined, { outcome: 'ok' }],
    ['hidden', undefined, { outcome: 'error', code: -32_602, fault: 'unknown' }],
    ['large', undefined, { outcome: 'tool_error', fault: 'too_large', error: expect.any(RangeError) }],
    ['throws', undefined, { outcome: 'tool_error', fault: 'exception', error: new RangeError('out of tea') }],
    ['refuses', undefined, { outcome: 'error', code: -32_050 }],
    ['ok', 'refuse', { outcome: 'error', code: -32_051, fault: 'middleware', error: expect.any(ProtocolError) }],
    ['ok', 'throw', { outcome: 'tool_error', fault: 'middleware', error: new SyntaxError('no JSON') }],
    ['ok', 'invalid', { outcome: 'tool_error', fault: 'middleware', error: expect.any(TypeError) }],
  ])('a call of the tool "%s" whose middleware has to %s', async (name, what, expected) => {
    await (await run('tools/call', { name, arguments: {}, ...(what && { _meta: { do: what } }) })).text()
    const [call, ...more] = events.filter(({ method }) => method === 'tools/call')
    expect(more).toEqual([])
    expect(call).toMatchObject({ kind: 'tool', name, ...expected })
    if (!('fault' in expected)) expect(call).not.toHaveProperty('fault')
  })

  test('a list whose middleware throws', async () => {
    await (await run('prompts/list', {})).text()
    expect(events.at(-1)).toMatchObject({
      method: 'prompts/list',
      outcome: 'error',
      code: -32_603,
      fault: 'middleware',
      error: new SyntaxError('no list'),
    })
  })
})
