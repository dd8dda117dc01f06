/** Spans and metrics by the real SDK: in sessions and without, for servers of both kinds. */

import { McpServer as OfficialServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { BUCKETS } from '../../lib/telemetry/names.ts'
import { eventually } from '../support/eventually.ts'
import { EventReader, type RpcMessage } from '../support/raw.ts'
import { type Connection, connect, type Kind, REVISIONS } from './connection.ts'
import { type Sdk, startSdk } from './sdk.ts'

const CLIENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const TRANSPORT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const [, TRACE, PARENT] = CLIENT.split('-')
const [, OTHER_TRACE, OTHER_PARENT] = TRANSPORT.split('-')

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

function own(): McpServer {
  const server = new McpServer({ name: 'spans', version: '1' })
  server.registerTool('ok', {}, () => text('ok'))
  server.registerTool('fails', {}, () => ({ ...text('no'), isError: true }))
  server.registerTool('throws', {}, async () => {
    throw new RangeError('out of tea')
  })
  server.registerTool('refuses', {}, () => {
    throw new ProtocolError(-32_050, 'not today')
  })
  server.registerTool('works', {}, async () => {
    await trace.getTracer('author').startActiveSpan('work', async (span: Span) => {
      await new Promise((resolve) => setImmediate(resolve))
      trace.getTracer('author').startSpan('part').end()
      span.end()
    })
    return text(trace.getSpanContext(context.active())?.spanId ?? '')
  })
  server.registerTool('asks', {}, async (ctx) => {
    const { action } = await ctx.elicit('Sure?', z.object({ sure: z.boolean() }))
    return text(action)
  })
  server.registerPrompt('greeting', {}, () => ({ messages: [] }))
  server.registerResource('note', 'note://one', {}, () => ({ contents: [{ uri: 'note://one', text: 'one' }] }))
  return server
}

function official(): OfficialServer {
  const server = new OfficialServer({ name: 'official', version: '1' })
  server.registerTool('works', { description: 'Works.' }, async () => {
    trace.getTracer('author').startSpan('part').end()
    return text('ok')
  })
  server.registerTool('asks', { description: 'Asks.' }, async () => {
    const requestedSchema = { type: 'object' as const, properties: { sure: { type: 'boolean' as const } } }
    return text((await server.server.elicitInput({ message: 'Sure?', requestedSchema })).action)
  })
  return server
}

let sdk: Sdk
let endpoint: Endpoint
let client: Connection

beforeEach(() => {
  sdk = startSdk()
})
afterEach(async () => {
  await endpoint.close()
  await sdk.stop()
})

const named = (name: string) =>
  eventually(async () => sdk.spans().find((span) => span.name === name)) as Promise<ReadableSpan>
const idOf = (span: ReadableSpan) => span.spanContext().spanId
const traceOf = (span: ReadableSpan) => span.spanContext().traceId
const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId

async function open(server: McpServer | OfficialServer, kind: Kind): Promise<void> {
  endpoint = createEndpoint(server, { onError: () => {} })
  client = await connect(endpoint, kind)
}

const call = async (name: string, meta: object = {}, headers: Record<string, string> = {}) => {
  const response = await client.send('tools/call', { name, arguments: {}, _meta: meta }, headers)
  return (await response.text()).replace(/^data: /gm, '')
}

/** Answers the elicitation of a call, and returns the params that the client got. */
async function answered(kind: Kind, headers: Record<string, string> = {}): Promise<RpcMessage['params']> {
  const params = { name: 'asks', arguments: {} }
  const response = await client.send('tools/call', params, headers)
  if (kind === 'session') {
    const events = new EventReader(response)
    const ask = await events.until(({ method }) => method === 'elicitation/create')
    await client.post({ jsonrpc: '2.0', id: ask.message?.id, result: { action: 'accept', content: { sure: true } } })
    await events.rest()
    return ask.message?.params
  }
  const { result } = (await response.json()) as RpcMessage
  const [key = '', asked] = Object.entries<RpcMessage['params']>(result.inputRequests)[0] ?? []
  const inputResponses = { [key]: { action: 'accept', content: { sure: true } } }
  await (await client.send('tools/call', { ...params, inputResponses, requestState: result.requestState })).text()
  return asked.params
}

describe.each(Object.keys(REVISIONS) as Kind[])('with requests of the kind: %s', (kind) => {
  const revision = REVISIONS[kind]

  test('a call is a span of kind SERVER with the attributes of the conventions', async () => {
    await open(own(), kind)
    await call('ok')
    const span = await named('tools/call ok')
    expect(span.kind).toBe(SpanKind.SERVER)
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
    expect(span.instrumentationScope.name).toBe('mcp-anywhere')
    const session = kind === 'session' ? { 'mcp.session.id': expect.stringMatching(/^[\w-]{22}$/) } : {}
    expect(span.attributes).toEqual({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'ok',
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': '1',
      'mcp.protocol.version': revision,
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      ...session,
    })
  })

  test('the span in _meta is the parent, and that of the headers is linked', async () => {
    await open(own(), kind)
    await call('ok', { traceparent: CLIENT, tracestate: 'vendor=1' }, { traceparent: TRANSPORT })
    const span = await named('tools/call ok')
    expect(traceOf(span)).toBe(TRACE)
    expect(parentOf(span)).toBe(PARENT)
    expect(span.spanContext().traceState?.serialize()).toBe('vendor=1')
    expect(span.links.map(({ context: { spanId, traceId } }) => [traceId, spanId])).toEqual([
      [OTHER_TRACE, OTHER_PARENT],
    ])
  })

  test('without _meta the span of the headers is the parent', async () => {
    await open(own(), kind)
    await call('ok', {}, { traceparent: CLIENT })
    const span = await named('tools/call ok')
    expect([traceOf(span), parentOf(span), span.links]).toEqual([TRACE, PARENT, []])
  })

  test('a span around the request, as of an instrumentation of HTTP, is the parent instead of the headers, and is linked beside _meta', async () => {
    await open(own(), kind)
    const around = (meta: object) =>
      trace.getTracer('http').startActiveSpan('POST', async (span: Span) => {
        await call('ok', meta, { traceparent: TRANSPORT })
        span.end()
        return span.spanContext()
      })
    const first = await around({})
    expect(parentOf(await named('tools/call ok'))).toBe(first.spanId)
    const second = await around({ traceparent: CLIENT })
    const span = await eventually(async () => sdk.spans().find((each) => parentOf(each) === PARENT))
    expect(span.links.map(({ context: { spanId } }) => spanId)).toEqual([second.spanId])
  })

  test('spans of the handler are children of the call, also after it has waited', async () => {
    await open(own(), kind)
    const message: RpcMessage = JSON.parse(await call('works', { traceparent: CLIENT }))
    const [span, work, part] = [await named('tools/call works'), await named('work'), await named('part')]
    expect(message.result.content[0].text).toBe(idOf(span))
    expect([parentOf(work), parentOf(part)]).toEqual([idOf(span), idOf(work)])
  })

  test.each([
    ['fails', 'tool_error', undefined, 'no'],
    ['throws', 'tool_error', undefined, 'out of tea'],
    ['refuses', '-32050', '-32050', 'not today'],
  ])('the tool "%s" ends its span with its class of error', async (name, errorType, code, message) => {
    await open(own(), kind)
    await call(name)
    const span = await named(`tools/call ${name}`)
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message })
    expect(span.attributes['error.type']).toBe(errorType)
    expect(span.attributes['rpc.response.status_code']).toBe(code)
    const exceptions = span.events.filter(({ name: event }) => event === 'exception')
    expect(exceptions).toHaveLength(name === 'throws' ? 1 : 0)
  })

  test('prompts have their name in the name of the span, resources have their URI as an attribute', async () => {
    await open(own(), kind)
    await (await client.send('prompts/get', { name: 'greeting' })).text()
    await (await client.send('resources/read', { uri: 'note://one' })).text()
    expect((await named('prompts/get greeting')).attributes['gen_ai.prompt.name']).toBe('greeting')
    expect((await named('resources/read')).attributes['mcp.resource.uri']).toBe('note://one')
  })

  test.each([
    ['own', own],
    ['official', official],
  ])(
    'an ask of a server of the kind "%s" is a span of kind CLIENT, which the client gets in _meta',
    async (name, make) => {
      await open(make(), kind)
      const params = await answered(kind, { traceparent: CLIENT })
      const ask = await named('elicitation/create')
      const run = await named('tools/call asks')
      expect(ask.kind).toBe(SpanKind.CLIENT)
      expect([traceOf(ask), parentOf(ask)]).toEqual([TRACE, idOf(run)])
      expect(params._meta).toMatchObject({ traceparent: `00-${TRACE}-${idOf(ask)}-01` })
      expect(ask.attributes).toMatchObject({
        'mcp.method.name': 'elicitation/create',
        'mcp.protocol.version': revision,
      })
      const histogram = await sdk.histogram('mcp.client.operation.duration')
      // A handler that is run again with the answer has not waited for it.
      expect(histogram.map(({ count }) => count)).toEqual(kind === 'stateless' && name === 'own' ? [] : [1])
    },
  )

  test('the operations are in the histogram of the conventions', async () => {
    await open(own(), kind)
    for (let n = 0; n < 3; n++) await call('ok')
    await call('fails')
    await call('missing')
    const histogram = await sdk.histogram('mcp.server.operation.duration')
    const calls = histogram.filter(({ attributes }) => attributes['mcp.method.name'] === 'tools/call')
    const base = {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'mcp.protocol.version': revision,
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    }
    expect(calls.map(({ attributes, count }) => [attributes, count])).toEqual([
      [{ ...base, 'gen_ai.tool.name': 'ok' }, 3],
      [{ ...base, 'gen_ai.tool.name': 'fails', 'error.type': 'tool_error' }, 1],
      [{ ...base, 'error.type': '-32602', 'rpc.response.status_code': '-32602' }, 1],
    ])
    expect(calls.map(({ unit, boundaries }) => [unit, boundaries])).toEqual(calls.map(() => ['s', BUCKETS]))
  })

  test('baggage reaches the handler and the client that is asked', async () => {
    await open(own(), kind)
    const params = await answered(kind, { traceparent: CLIENT, baggage: 'tenant=seven' })
    expect(params._meta.baggage).toBe('tenant=seven')
  })

  test.each([
    ['ids of zeros', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
    ['a forbidden version', { traceparent: `ff-${TRACE}-${PARENT}-01` }],
    ['a long text', { traceparent: `00-${'a'.repeat(100_000)}` }],
    ['line breaks', { traceparent: `${CLIENT}\r\nx: y`, tracestate: 'a=1\r\nb: 2', baggage: 'a=1\r\nb: 2' }],
    ['other types', { traceparent: { toString: 1 }, tracestate: [], baggage: 5 }],
    [
      'a long state',
      { traceparent: CLIENT, tracestate: `a=${'b'.repeat(10_000)}`, baggage: `a=${'b'.repeat(20_000)}` },
    ],
    [
      'a state of many members',
      { traceparent: CLIENT, tracestate: Array.from({ length: 100 }, (_, n) => `${n}=1`).join() },
    ],
    ['a state that is none', { traceparent: CLIENT, tracestate: ',,==,\u00e9' }],
  ])('a hostile trace context does no harm: %s', async (_, meta) => {
    await open(own(), kind)
    expect(JSON.parse(await call('ok', meta)).result.content).toEqual(text('ok').content)
    const span = await named('tools/call ok')
    expect(traceOf(span)).toMatch(/^[0-9a-f]{32}$/)
    if (meta.traceparent === CLIENT) expect(parentOf(span)).toBe(PARENT)
    else expect(parentOf(span)).toBeUndefined()
    expect((span.spanContext().traceState?.serialize() ?? '').length).toBeLessThanOrEqual(512)
  })
})

test('10,000 names of tools that do not exist make no name of a span and one series', async () => {
  await open(own(), 'stateless')
  for (let n = 0; n < 10_000; n++) await call(`missing-${n}`)
  expect(new Set(sdk.spans().map(({ name }) => name))).toEqual(new Set(['tools/call']))
  expect(await sdk.histogram('mcp.server.operation.duration')).toHaveLength(1)
})
