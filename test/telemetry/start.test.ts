/** When telemetry begins and ends, and what it leaves behind where it is off. */
import { trace } from '@opentelemetry/api'
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { callsAreHeard, requestsAreHeard } from '../../lib/base/events.ts'
import { tracing } from '../../lib/base/tracing.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import type { HttpEvent } from '../../lib/platform/lambda/event.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request } from '../support/raw.ts'
import { connect } from './connection.ts'
import { type Sdk, startSdk } from './sdk.ts'

function server(): McpServer {
  const mcp = new McpServer({ name: 'start', version: '1' })
  mcp.registerTool('ok', {}, () => ({ content: [] }))
  mcp.registerTool('asks', {}, async (ctx) => {
    await ctx.elicit('Sure?', z.object({}))
    return { content: [] }
  })
  return mcp
}

let sdk: Sdk | undefined
const endpoints: Endpoint[] = []

function open(options: EndpointOptions = {}): Endpoint {
  const endpoint = createEndpoint(server(), options)
  endpoints.push(endpoint)
  return endpoint
}

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()))
  await sdk?.stop()
  sdk = undefined
})

const names = () => sdk?.spans().map(({ name }) => name)

async function call(endpoint: Endpoint): Promise<void> {
  const client = await connect(endpoint, 'stateless')
  expect((await client.send('tools/call', { name: 'ok', arguments: {} })).status).toBe(200)
}

test('nobody listens where no SDK has set a provider', async () => {
  const endpoint = open()
  await call(endpoint)
  expect([callsAreHeard(), requestsAreHeard(), tracing.now]).toEqual([false, false, undefined])
})

test('nobody listens where telemetry is switched off', async () => {
  sdk = startSdk()
  await call(open({ telemetry: false }))
  expect(callsAreHeard()).toBe(false)
  expect(names()).toEqual([])
})

test('an SDK that is there first needs no code, and has the first request', async () => {
  sdk = startSdk()
  await call(open())
  expect(names()).toEqual(['tools/call ok'])
})

test('an SDK that comes later is used where telemetry was switched on', async () => {
  const endpoint = open({ telemetry: true })
  await call(endpoint)
  sdk = startSdk()
  await call(endpoint)
  expect(names()).toEqual(['tools/call ok'])
  expect(await sdk.histogram('mcp.server.operation.duration')).toHaveLength(1)
})

test('several endpoints of a process make one span of each call, and the last one ends it', async () => {
  sdk = startSdk()
  const [first, second] = [open(), open()]
  await call(first)
  await call(second)
  await first.close()
  await call(second)
  expect(names()).toEqual(['tools/call ok', 'tools/call ok', 'tools/call ok'])
  await second.close()
  expect([callsAreHeard(), tracing.now]).toEqual([false, undefined])
})

test('an SDK with an older API than that of the server is named in one line', async () => {
  const GLOBAL = Symbol.for('opentelemetry.js.api.1')
  const held = globalThis as { [GLOBAL]?: object }
  const before = held[GLOBAL]
  held[GLOBAL] = { version: '1.0.4', trace: {} }
  const errors: unknown[] = []
  try {
    const endpoint = open({ onError: (error) => errors.push(error) })
    await call(endpoint)
  } finally {
    if (before) held[GLOBAL] = before
    else delete held[GLOBAL]
  }
  expect(errors.map(String)).toEqual([expect.stringContaining('@opentelemetry/api 1.0.4, which is older')])
})

test('an ask of an endpoint without telemetry has no _meta, and its state is no byte longer', async () => {
  const client = await connect(open(), 'stateless')
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const send = async () =>
    (
      await client.send('tools/call', { name: 'asks', arguments: {}, _meta: { traceparent } })
    ).json() as Promise<RpcMessage>
  const { result: off } = await send()
  sdk = startSdk()
  const traced = await connect(open(), 'stateless')
  const asked = await traced.send('tools/call', { name: 'asks', arguments: {}, _meta: { traceparent } })
  const { result: on } = (await asked.json()) as RpcMessage
  const [[, ask]] = Object.entries<{ params: object }>(off.inputRequests) as [[string, { params: object }]]
  expect(ask.params).not.toHaveProperty('_meta')
  expect(on.requestState.length).toBeGreaterThan(off.requestState.length)
})

test('the calls of one client without a trace share one, from round to round', async () => {
  sdk = startSdk()
  const client = await connect(open(), 'stateless')
  const params = { name: 'asks', arguments: {} }
  const { result } = (await (await client.send('tools/call', params)).json()) as RpcMessage
  const inputResponses = Object.fromEntries(
    Object.keys(result.inputRequests).map((key) => [key, { action: 'decline' }]),
  )
  await client.send('tools/call', { ...params, inputResponses, requestState: result.requestState })
  const [first, second] = sdk.spans().filter(({ name }) => name === 'tools/call asks')
  expect(second?.spanContext().traceId).toBe(first?.spanContext().traceId)
  expect(second?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId)
  expect(first?.attributes['mcp_anywhere.outcome']).toBe('input_required')
  expect(first?.attributes).not.toHaveProperty('error.type')
})

test('a call by HTTP+SSE is traced, and so is its session', async () => {
  sdk = startSdk()
  const endpoint = open({ legacySse: true })
  const fetch = (path: string, init: RequestInit) => endpoint.fetch(new Request(`http://localhost${path}`, init))
  const events = new EventReader(await fetch('/sse', { headers: { accept: 'text/event-stream' } }))
  const path = (await events.next())?.data ?? ''
  const send = (message: object) =>
    fetch(path, { method: 'POST', body: JSON.stringify(message), headers: { 'content-type': 'application/json' } })
  const clientInfo = { name: 'old', version: '1' }
  await send(request(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }))
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await send(request(1, 'tools/call', { name: 'ok', arguments: {}, _meta: { traceparent } }))
  const span = await eventually(async () => sdk?.spans().find(({ name }) => name === 'tools/call ok'))
  expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331')
  expect(span?.attributes['mcp.protocol.version']).toBe('2024-11-05')
  events.drop()
  const ended = await eventually(async () => (await sdk?.histogram('mcp.server.session.duration'))?.at(0))
  expect(ended).toMatchObject({ unit: 's', count: 1, attributes: { 'mcp.protocol.version': '2024-11-05' } })
})

test('on Lambda the spans of an invocation leave before the environment sleeps', async () => {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 3_600_000 })],
  })
  trace.setGlobalTracerProvider(provider)
  try {
    const handler = bufferedHandler(open())
    const asked = tool('ok')
    const event = {
      version: '2.0',
      rawPath: '/mcp',
      rawQueryString: '',
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, host: 'a.example', ...headers(asked) },
      requestContext: { http: { method: 'POST', sourceIp: '192.0.2.1' }, stage: '$default' },
      body: JSON.stringify(body(asked)),
      isBase64Encoded: false,
    } as unknown as HttpEvent
    const result = await handler(event, { awsRequestId: 'one', getRemainingTimeInMillis: () => 10_000 })
    expect(result.statusCode).toBe(200)
    const [span] = exporter.getFinishedSpans()
    expect(span?.name).toBe('tools/call ok')
    expect(span?.attributes['client.address']).toBe('192.0.2.1')
  } finally {
    trace.disable()
    await provider.shutdown()
  }
})
