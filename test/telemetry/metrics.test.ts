/** `/metrics` of a process, as Prometheus reads it. */
import { fileURLToPath } from 'node:url'
import { register as authors, Counter } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { openLog } from '../../lib/platform/log.ts'
import { openMetrics } from '../../lib/platform/node/metrics.ts'
import { NodeInstance } from '../deploy/node-instance.ts'
import { eventually } from '../support/eventually.ts'
import { call, getStream, initialize, post, type RawSession, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Exposition, scrape } from './exposition.ts'
import { metered } from './metered.ts'

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const ENTRY = file('../support/node-entry.ts')
const SERVER = file('metered.ts')

describe('a process with METRICS_PORT', () => {
  let redis: RedisServer
  let instance: NodeInstance
  let metrics: string
  let session: RawSession
  beforeAll(async () => {
    redis = await startRedis()
    instance = await NodeInstance.start(ENTRY, { REDIS_URL: redis.url, METRICS_PORT: '0' }, SERVER)
    metrics = instance.log.flatMap((line) => (line as { metrics?: string }).metrics ?? [])[0] ?? ''
    session = await initialize(instance.url)
  })
  afterAll(async () => {
    await instance?.stop()
    await redis?.stop()
  })
  afterEach(() => redis.resume())

  const tool = async (name: string) => call(instance.url, session, toolCall(name, name))
  /** The samples once they have a value that is expected. */
  const until = (name: string, labels: Record<string, string>, value: number): Promise<Exposition> =>
    eventually(async () => {
      const found = await scrape(metrics)
      return found.value(name, labels) === value ? found : undefined
    })

  test('operations have a count and a duration by method, tool and outcome', async () => {
    for (const name of ['greet', 'greet', 'refuse', 'break', 'late']) await tool(name)
    const found = await until('mcp_call_faults_total', { tool: 'late', fault: 'timeout' }, 1)
    const count = (labels: Record<string, string>) => found.value('mcp_operation_duration_seconds_count', labels)
    expect(count({ method: 'initialize', tool: '', outcome: 'ok' })).toBe(1)
    expect(count({ method: 'tools/call', tool: 'greet', outcome: 'ok' })).toBe(2)
    expect(count({ method: 'tools/call', tool: 'refuse', outcome: 'tool_error' })).toBe(1)
    expect(count({ method: 'tools/call', tool: 'break' })).toBe(1)
    expect(found.value('mcp_call_faults_total', { tool: 'break', fault: 'exception' })).toBe(1)
    expect(found.value('mcp_operation_duration_seconds_sum', { tool: 'late' })).toBeGreaterThanOrEqual(0.02)
    expect(found.value('mcp_operation_duration_seconds_bucket', { tool: 'late', le: '0.01' })).toBe(0)
    expect(found.value('mcp_operation_duration_seconds_bucket', { tool: 'late', le: '+Inf' })).toBe(1)
  })

  test('sessions, streams and running calls are counted from their begin to their end', async () => {
    const other = await initialize(instance.url)
    const stream = await getStream(instance.url, other)
    await stream.next()
    const waiting = call(instance.url, session, toolCall('w', 'wait'))
    const open = await until('mcp_calls_running', { tool: 'wait' }, 1)
    expect(open.value('mcp_streams_open', { kind: 'get' })).toBe(1)
    expect(open.value('mcp_sessions_opened_total')).toBe(2)
    await tool('go')
    await waiting
    const headers = { 'mcp-session-id': other.id, 'mcp-protocol-version': other.version }
    await fetch(instance.url, { method: 'DELETE', headers })
    const over = await until('mcp_streams_open', { kind: 'get' }, 0)
    expect(over.value('mcp_calls_running')).toBe(0)
    expect(over.value('mcp_sessions_ended_total', { outcome: 'deleted' })).toBe(1)
  })

  test('names that clients invent make no series', async () => {
    const before = await scrape(metrics)
    for (let n = 0; n < 50; n++) {
      await tool(`invented-${n}`)
      await (await post(instance.url, { jsonrpc: '2.0', id: n, method: `invented/${n}` }, { session })).text()
      await (await fetch(instance.url, { method: `INVENT${n}` }).catch(() => undefined))?.text()
    }
    const after = await scrape(metrics)
    const series = (found: Exposition) => [...found.samples.values()].flat().length
    for (const [name, label] of [
      ['mcp_operation_duration_seconds_count', 'tool'],
      ['mcp_operation_duration_seconds_count', 'method'],
      ['mcp_call_faults_total', 'tool'],
      ['mcp_calls_running', 'tool'],
      ['mcp_http_responses_total', 'method'],
    ] as const)
      expect([...after.values(name, label)].join()).not.toContain('nvent')
    expect(series(after) - series(before)).toBeLessThan(100)
    expect(after.value('mcp_call_faults_total', { fault: 'unknown', tool: '' })).toBe(50)
  })

  test('refusals are counted by reason, and every reason is there before the first one', async () => {
    const before = await scrape(metrics)
    expect(before.value('mcp_refusals_total', { reason: 'rate' })).toBe(0)
    await (await post(instance.url, toolCall(1, 'greet'), { session: { ...session, id: 'nobody' } })).text()
    const sessions = before.value('mcp_refusals_total', { reason: 'session' }) ?? 0
    await until('mcp_refusals_total', { reason: 'session' }, sessions + 1)
  })

  test('the store has latencies, and its absence shows in its gauges, in errors and in /readyz', async () => {
    await tool('greet')
    const up = await scrape(metrics)
    expect(up.value('mcp_store_command_duration_seconds_count')).toBeGreaterThan(0)
    expect(up.value('mcp_store_up')).toBe(1)
    expect(up.value('mcp_ready', { state: 'ok' })).toBe(1)
    redis.pause()
    await (await post(instance.url, toolCall(1, 'greet'), { session })).text()
    const down = await until('mcp_ready', { state: 'degraded' }, 1)
    expect(down.value('mcp_store_up')).toBe(0)
    expect(down.value('mcp_store_trouble', { trouble: 'away' })).toBe(1)
    expect(down.value('mcp_store_errors_total')).toBeGreaterThan(0)
    expect(await (await fetch(new URL('/readyz', metrics))).text()).toBe('degraded')
    redis.resume()
    await until('mcp_store_up', {}, 1)
  })

  test('the instance, its limits and its process are there', async () => {
    const found = await scrape(metrics)
    const ids = new Set(instance.log.flatMap((line) => (line as { instance?: string }).instance ?? []))
    expect(found.values('mcp_instance_info', 'id')).toEqual(ids)
    expect(found.value('mcp_streams_limit')).toBe(10_000)
    expect(found.value('mcp_calls_owed')).toBe(0)
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes', 'mcp_heap_limit_bytes'])
      expect(found.value(name), name).toBeGreaterThanOrEqual(0)
  })

  test('the port of the endpoint has no /metrics, and the port of metrics nothing else', async () => {
    expect((await fetch(instance.at('/metrics'))).status).toBe(404)
    expect((await fetch(new URL('/mcp', metrics))).status).toBe(404)
    expect((await fetch(metrics, { method: 'POST' })).status).toBe(405)
  })

  test('a port that is in use stops the start with one line', async () => {
    const { port } = new URL(metrics)
    await expect(NodeInstance.start(ENTRY, { METRICS_PORT: port }, SERVER)).rejects.toThrow(
      `METRICS_PORT ${port} is in use on 127.0.0.1.`,
    )
  })
})

describe('METRICS_TOKEN', () => {
  const log = openLog({ requests: false, out: { write: () => true }, err: { write: () => true } })
  const settings = { metricsPort: undefined, host: '127.0.0.1', endpoint: {} }
  const metricsToken = 'a token of Prometheus'

  test('it opens /metrics on the port of the endpoint, with the metrics of the author', async () => {
    const endpoint = createEndpoint(metered(), { onError: () => {} })
    const counter = new Counter({ name: 'orders_total', help: 'Of the author.' })
    counter.inc(3)
    const metrics = await openMetrics({ ...settings, metricsToken }, log)
    const readiness = { state: async () => 'ok' as const }
    metrics.serve({ endpoint, readiness, ready: async () => new Response('ok') })
    const get = (authorization?: string) =>
      endpoint.app.request('/metrics', { headers: authorization === undefined ? {} : { authorization } })
    expect((await get()).status).toBe(401)
    expect((await get(`Bearer ${metricsToken}x`)).headers.get('www-authenticate')).toBe('Bearer')
    const response = await get(`Bearer ${metricsToken}`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const body = await response.text()
    expect(body).toContain('orders_total 3')
    expect(body).toContain('mcp_ready{state="ok"} 1')
    authors.clear()
    await endpoint.close()
  })

  test('a token that can be guessed stops the start', async () => {
    await expect(openMetrics({ ...settings, metricsToken: 'secret' }, log)).rejects.toThrow(
      /^METRICS_TOKEN must have 16 characters or more: openssl rand/,
    )
  })
})

test('without prom-client the start stops with one line', async () => {
  const hook = `export const resolve = (name, context, next) => {
    if (name === 'prom-client') throw Object.assign(new Error('missing'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  }`
  const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
  const preload = url(`import { register } from 'node:module'; register(${JSON.stringify(url(hook))})`)
  const env = { METRICS_PORT: '0', NODE_OPTIONS: `--import=${preload}` }
  await expect(NodeInstance.start(ENTRY, env, SERVER)).rejects.toThrow(
    /^The instance ended with 1:\nMETRICS_PORT needs the package prom-client: npm install prom-client$/,
  )
})
