/** Each of the five faults shows the signs that its chapter of docs/runbook.md names. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Exposition } from '../../telemetry/exposition.ts'
import { FAULTS, inject } from './faults.ts'

const runbook = readFileSync(fileURLToPath(new URL('../../../docs/runbook.md', import.meta.url)), 'utf8')

/** What was collected of an instance. */
interface Seen {
  log: string
  before: Exposition
  during: Exposition
  readyz: string
}

interface Signs {
  /** The chapter of the runbook, and what of it stands in the log. */
  chapter: string
  quotes: readonly string[]
  /** Whether the metrics of instance 0, 1 … show it. */
  shows(seen: Seen, instance: number): boolean
  readyz(instance: number): readonly string[]
}

const grown = ({ before, during }: Seen, name: string, labels: Record<string, string> = {}) =>
  (during.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0)
const trouble = ({ during }: Seen, name: string) => during.value('mcp_store_trouble', { trouble: name }) === 1
const mean = (seen: Seen, tool: string) =>
  grown(seen, 'mcp_operation_duration_seconds_sum', { tool }) /
  grown(seen, 'mcp_operation_duration_seconds_count', { tool })

const SIGNS: Readonly<Record<string, Signs>> = {
  a: {
    chapter: 'McpToolSlow',
    quotes: ['"outcome":"ok"'],
    shows: (seen) => mean(seen, 'stock_report') > 5 && mean(seen, 'find_orders') < 1,
    readyz: () => ['200 ok'],
  },
  b: {
    chapter: 'McpInstanceAlone',
    quotes: [],
    shows: (seen, instance) =>
      instance === 1 ? trouble(seen, 'away') : seen.during.value('mcp_store_up') === 1 && !trouble(seen, 'away'),
    readyz: (instance) => (instance === 1 ? ['200 degraded', '503 alone'] : ['200 ok']),
  },
  c: {
    chapter: 'McpStoreDenied',
    quotes: ['WRONGPASS'],
    shows: (seen) => trouble(seen, 'denied'),
    readyz: () => ['200 degraded', '503 alone'],
  },
  d: {
    chapter: 'McpAuthorizationServerAway',
    quotes: [
      'The authorization server does not answer',
      'No metadata of the authorization server',
      'connect ECONNREFUSED',
    ],
    shows: (seen) => grown(seen, 'mcp_refusals_total', { reason: 'authorization_server' }) > 0,
    readyz: () => ['200 ok'],
  },
  e: {
    chapter: 'McpStoreFull',
    quotes: ['OOM command not allowed', 'The session store is full; the session is not lost.'],
    shows: (seen) => trouble(seen, 'full') && grown(seen, 'mcp_store_errors_total') > 0,
    readyz: () => ['200 degraded'],
  },
}

test.each(Object.entries(FAULTS))('fault %s has the signs of its chapter', async (name, fault) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-fault-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const count = await inject(fault, folder)
  const { chapter, quotes, shows, readyz } = SIGNS[name] as Signs
  const [, text = ''] = runbook.split(`### ${chapter}\n`)
  const written = text.split('\n### ')[0]?.replaceAll('\n', ' ').replaceAll(': "', ':"') ?? ''
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  for (let instance = 0; instance < count; instance++) {
    const of = `instance-${instance + 1}`
    const seen: Seen = {
      log: read(`${of}.log`),
      before: new Exposition(read(`${of}.metrics-before.txt`)),
      during: new Exposition(read(`${of}.metrics-during.txt`)),
      readyz: read(`${of}.readyz-during.txt`).trim(),
    }
    for (const quote of quotes) {
      expect(seen.log, of).toContain(quote)
      expect(written).toContain(quote)
    }
    expect(shows(seen, instance), of).toBe(true)
    expect(readyz(instance), of).toContain(seen.readyz)
    expect(read(`${of}.readyz-before.txt`).trim()).toBe('200 ok')
  }
})
