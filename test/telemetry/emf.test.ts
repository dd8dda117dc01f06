/** Metrics for CloudWatch: what is collected is written once an invocation is over, and AWS can read each line. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publish } from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { type EmfMetrics, emfMetrics } from '../../lib/telemetry/metrics/emf.ts'
import { type Connection, connect, REVISIONS } from './connection.ts'
import { type EmfDocument, readEmf } from './emf-schema.ts'
import { metered } from './metered.ts'

const NOW = 1_795_000_000_000

let endpoint: Endpoint
let metrics: EmfMetrics
let written: string[]
beforeEach(() => {
  written = []
  endpoint = createEndpoint(metered(), { onError: () => {} })
  metrics = open('notes')
})
afterEach(async () => {
  metrics.close()
  await endpoint.close()
})

function open(functionName: string | undefined): EmfMetrics {
  return emfMetrics({ namespace: 'MCP', functionName, wall: () => NOW, write: (text) => written.push(text) })
}

/** Writes what was collected, and reads it as AWS does. */
function flushed(): EmfDocument[] {
  metrics.flush()
  const lines = written.splice(0).join('').split('\n').slice(0, -1)
  return lines.map(readEmf)
}

const withMetric = (documents: EmfDocument[], name: string) => documents.filter((document) => name in document)

describe('calls', () => {
  let client: Connection
  beforeEach(async () => {
    client = await connect(endpoint, 'stateless')
  })
  const call = async (name: string) => (await client.send('tools/call', { name, arguments: {} })).text()

  test('durations have their values, and the dimensions of method, tool and outcome', async () => {
    await call('greet')
    await call('greet')
    await call('refuse')
    const documents = withMetric(flushed(), 'OperationDuration')
    expect(documents).toHaveLength(2)
    const [greeted, refused] = documents
    expect(greeted).toMatchObject({ FunctionName: 'notes', method: 'tools/call', tool: 'greet', outcome: 'ok' })
    expect(greeted?.OperationDuration).toHaveLength(2)
    expect(refused).toMatchObject({ tool: 'refuse', outcome: 'tool_error', OperationDuration: expect.any(Number) })
    expect(greeted?._aws).toMatchObject({
      Timestamp: NOW,
      CloudWatchMetrics: [
        {
          Namespace: 'MCP',
          Dimensions: [['FunctionName'], ['FunctionName', 'method', 'outcome'], ['FunctionName', 'tool', 'outcome']],
          Metrics: [{ Name: 'OperationDuration', Unit: 'Milliseconds' }],
        },
      ],
    })
  })

  test('what was written is not written again, and nothing is written where nothing happened', async () => {
    await call('greet')
    expect(flushed()).not.toEqual([])
    expect(flushed()).toEqual([])
    expect(written).toEqual([])
  })

  test('names that clients invent are no dimensions', async () => {
    for (let n = 0; n < 30; n++) await call(`invented-${n}`)
    metrics.flush()
    expect(written.join('')).not.toContain('invented')
    expect(written.join('').split('\n').length).toBeLessThan(8)
  })

  test('faults and refusals are counted', async () => {
    await call('break')
    await call('break')
    await (await client.send('tools/call', { name: 'greet' }, { 'mcp-method': 'other' })).text()
    const documents = flushed()
    expect(withMetric(documents, 'CallFaults')).toMatchObject([{ tool: 'break', fault: 'exception', CallFaults: 2 }])
    expect(withMetric(documents, 'Refusals')).toMatchObject([{ reason: 'request', Refusals: 1 }])
  })
})

test('more than 100 values of a metric are several lines', () => {
  const command = { store: 'redis', command: 'hmget', durationMs: 0.25 }
  for (let n = 0; n < 250; n++) publish('command', command)
  const lines = flushed()
  expect(lines.map(({ StoreCommandDuration }) => (StoreCommandDuration as number[]).length)).toEqual([100, 100, 50])
  expect(lines[0]?._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([['FunctionName']])
})

test('without the name of a function there is no such dimension', () => {
  metrics.close()
  metrics = open(undefined)
  publish('command', { store: 'redis', command: 'hmget', durationMs: 1 })
  expect(flushed()).toMatchObject([{ _aws: { CloudWatchMetrics: [{ Dimensions: [[]] }] }, StoreCommandDuration: 1 }])
})

test('an invocation writes its metrics before it returns', async () => {
  const handler = bufferedHandler(endpoint, { ending: metrics.flush })
  const version = REVISIONS.stateless
  const meta = { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': {} }
  const event = {
    version: '2.0',
    rawPath: '/mcp',
    rawQueryString: '',
    headers: {
      host: 'localhost',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': 'tools/list',
    },
    requestContext: { http: { method: 'POST', path: '/mcp', sourceIp: '127.0.0.1' } },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    isBase64Encoded: false,
  }
  const result = await handler(event as never, { awsRequestId: '1', getRemainingTimeInMillis: () => 10_000 })
  expect(result.statusCode).toBe(200)
  const documents = written.join('').split('\n').slice(0, -1).map(readEmf)
  expect(withMetric(documents, 'OperationDuration')).toMatchObject([{ method: 'tools/list', outcome: 'ok' }])
})
