/** The dashboard and the alert rules ask for metrics that exist, with labels that these metrics have. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { NodeInstance } from '../../deploy/node-instance.ts'
import { eventually } from '../../support/eventually.ts'
import { call, getStream, initialize, post, postStream, request, toolCall } from '../../support/raw.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { type Exposition, scrape } from '../../telemetry/exposition.ts'
import { installed } from '../support/installed.ts'

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const folder = file('../../../infra/observability')
const runbook = readFileSync(file('../../../docs/runbook.md'), 'utf8')

interface Rule {
  alert: string
  expr: string
  for?: string
  labels: { severity: string }
  annotations: { summary: string; runbook: string }
}
interface Panel {
  id: number
  type: string
  title: string
  gridPos: { h: number; w: number; x: number; y: number }
  targets?: { refId: string; expr: string }[]
}
interface Dashboard {
  uid: string
  templating: { list: { name: string; query: string }[] }
  panels: Panel[]
}

const alerts = parse(readFileSync(join(folder, 'alerts.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = alerts.groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8')) as Dashboard
const queries = [
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }): [string, string] => [
      `${title} ${refId}`,
      expr.replaceAll('$__rate_interval', '5m'),
    ]),
  ),
]

/** Labels that Prometheus adds to what it reads, and that of the buckets. */
const OF_PROMETHEUS = ['job', 'instance']
/** Metrics that Prometheus makes itself. */
const MADE_BY_PROMETHEUS = ['up']

interface Node {
  name: string
  from: number
  to: number
  node: { parent: Node | null; getChild(name: string): Node | null; getChildren(name: string): Node[] }
}
interface Parser {
  parse(text: string): { iterate(visitor: { enter(node: Node): void }): void }
}

/** A query as Prometheus parses it. */
interface Query {
  errors: string[]
  /** Each with the labels that its matchers name, and with the values that they ask for. */
  selectors: { metric: string; matchers: { label: string; operator: string; value: string }[] }[]
  /** Labels of `by`, `without`, `on` and the like. */
  grouping: string[]
}

let parser: Parser
let found: Exposition
let redis: RedisServer
const instances: NodeInstance[] = []

beforeAll(async () => {
  const tools = await installed('observability')
  parser = createRequire(join(tools, 'package.json'))('@prometheus-io/lezer-promql').parser
  redis = await startRedis()
  found = await exercised()
})
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()))
  await redis?.stop()
})

/** The metrics of an instance that has had calls of every kind, and whose store was away once. */
async function exercised(): Promise<Exposition> {
  // Garbage is collected often, so that its metrics have samples.
  const env = {
    REDIS_URL: redis.url,
    METRICS_PORT: '0',
    SUSPEND_AFTER_SECONDS: '1',
    NODE_OPTIONS: '--max-semi-space-size=1',
  }
  const instance = await NodeInstance.start(
    file('../../support/node-entry.ts'),
    env,
    file('../../telemetry/metered.ts'),
  )
  instances.push(instance)
  const metrics = instance.log.flatMap((line) => (line as { metrics?: string }).metrics ?? [])[0] ?? ''
  const session = await initialize(instance.url)
  const stream = await getStream(instance.url, session)
  await stream.next()
  for (const name of ['greet', 'refuse', 'break', 'late', 'none'])
    await call(instance.url, session, toolCall(name, name))
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'ask' }
  await (await post(instance.url, toolCall(1, 'ask', {}, _meta), { headers })).text()
  const asking = await postStream(instance.url, toolCall('a', 'ask'), { session })
  const question = await asking.message()
  const answer = { jsonrpc: '2.0', id: question?.id, result: { action: 'accept', content: {} } }
  await (await post(instance.url, answer, { session })).text()
  await asking.message()
  // Its stream ends as the call is suspended.
  await (await postStream(instance.url, toolCall('o', 'order'), { session })).rest()
  await call(instance.url, session, request('t', 'tools/call', { name: 'report', arguments: {}, task: {} }))
  const waiting = call(instance.url, session, toolCall('w', 'wait'))
  redis.pause()
  await (await post(instance.url, toolCall('p', 'greet'), { session })).text()
  redis.resume()
  await eventually(async () => ((await scrape(metrics)).value('mcp_store_up') === 1 ? true : undefined))
  await call(instance.url, session, toolCall('g', 'go'))
  await waiting
  await fetch(instance.url, { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
  return eventually(async () => {
    const last = await scrape(metrics)
    const isAtRest = last.value('mcp_streams_open') === 0 && last.value('mcp_calls_running') === 0
    return isAtRest && last.samples.has('mcp_task_legs_total') ? last : undefined
  })
}

function read(text: string): Query {
  const query: Query = { errors: [], selectors: [], grouping: [] }
  const textOf = (node: Node | null) => (node ? text.slice(node.from, node.to) : '')
  parser.parse(text).iterate({
    enter(node) {
      if (node.name === '⚠') query.errors.push(`at ${node.from}: ${text.slice(node.from, node.from + 20)}`)
      if (node.name === 'GroupingLabels') query.grouping.push(...node.node.getChildren('LabelName').map(textOf))
      if (node.name !== 'VectorSelector') return
      const metric = textOf(node.node.getChild('Identifier'))
      const given = textOf(node.node.getChild('LabelMatchers'))
      const matchers = [...given.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
      )
      query.selectors.push({ metric, matchers })
    },
  })
  return query
}

describe.each(queries)('%s', (_, text) => {
  test('is PromQL, and its metrics exist with its labels', () => {
    const { errors, selectors, grouping } = read(text)
    expect(errors).toEqual([])
    expect(selectors).not.toEqual([])
    const known = new Set(OF_PROMETHEUS)
    for (const { metric, matchers } of selectors) {
      if (MADE_BY_PROMETHEUS.includes(metric)) continue
      expect([...found.samples.keys()], metric).toContain(metric)
      const labels = found.labelsOf(metric)
      for (const label of labels) known.add(label)
      for (const { label } of matchers) expect([...labels, ...OF_PROMETHEUS], metric).toContain(label)
    }
    for (const label of grouping) expect([...known]).toContain(label)
  })

  test('its matchers match a value that exists, where the values are known from the start', () => {
    for (const { metric, matchers } of read(text).selectors) {
      for (const { label, operator, value } of matchers) {
        if (value.includes('$') || OF_PROMETHEUS.includes(label) || label === 'status' || operator.startsWith('!'))
          continue
        const wanted = operator === '=~' ? value.split('|') : [value]
        if (metric === 'mcp_call_faults_total') continue
        for (const each of wanted) expect([...found.values(metric, label)], `${metric} ${label}`).toContain(each)
      }
    }
  })
})

describe('the alert rules', () => {
  test('have a chapter of the runbook each, and the runbook has no other alerts', () => {
    const chapters = [...runbook.matchAll(/^### (Mcp\w+)$/gm)].map(([, name]) => name)
    expect(chapters.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
    }
  })

  test('have a severity, a summary, and templates of labels that their query keeps', () => {
    for (const { alert, expr, labels, annotations, for: time = '1m' } of rules) {
      expect(['warning', 'critical'], alert).toContain(labels.severity)
      expect(time, alert).toMatch(/^\d+m$/)
      const { grouping, selectors } = read(expr)
      const isPlain = !/\b(?:sum|max|min|avg)\b/.test(expr.split(/ (?:and|or) /)[0] ?? '')
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
        const kept = isPlain
          ? [...OF_PROMETHEUS, ...selectors.flatMap(({ metric }) => [...found.labelsOf(metric)])]
          : grouping
        expect(kept, alert).toContain(label)
      }
    }
  })
})

describe('the dashboard', () => {
  test('has panels with ids of their own that do not overlap, and variables that its queries use', () => {
    const { panels, templating } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, n) => `${x + (n % w)}/${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    const used = new Set(queries.flatMap(([, text]) => [...text.matchAll(/\$(\w+)/g)].map(([, name]) => name)))
    const given = new Set(templating.list.map(({ name }) => name))
    for (const name of used) expect([...given]).toContain(name)
  })

  test('shows every metric of this package', () => {
    const shown = new Set(queries.flatMap(([, text]) => read(text).selectors.map(({ metric }) => metric)))
    const base = [...shown].map((metric) => metric.replace(/_(?:bucket|count|sum)$/, ''))
    const own = [...found.types.keys()].filter((name) => name.startsWith('mcp_'))
    expect(own.filter((name) => !base.includes(name))).toEqual([])
  })
})
