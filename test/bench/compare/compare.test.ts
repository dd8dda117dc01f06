import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeReport } from '../document.ts'
import type { Report } from '../report.ts'
import type { RaceResult, Spread } from '../throughput.ts'
import { comparisonChart } from './chart.ts'
import { COMPARISONS, type Comparison } from './races.ts'
import { comparedReleases, comparisonText, factsText, rowsOf } from './text.ts'

const constant = (value: number): Spread => ({ median: value, low: value, high: value })

/** Each server is half as fast as the one before. */
function raced({ workload, title, reference, others }: Comparison): RaceResult {
  const variants = [reference, ...others].map(({ name }, i) => ({
    name,
    rate: constant(name === reference.name ? 40_000 : 1),
    ratio: constant(0.5 ** i),
    cpuRatio: constant(1),
    cpu: 25,
    p50: 1,
    p99: 2,
    busy: 1,
    loadBusy: 0.5,
  }))
  return { workload, title, reference: reference.name, variants, goals: [] }
}

const races = COMPARISONS.map(raced)
const facts = [
  { name: 'A', use: 'so', sessions: '2025-11-25', stateless: true, session: { survives: true, checked: false } },
  { name: 'B', use: 'so', sessions: undefined, stateless: false, session: undefined },
]
const report: Report = {
  machine: 'A <machine>',
  node: 'v1',
  date: '2026-01-02',
  rounds: 5,
  connections: 32,
  races: [],
  figures: [],
  comparison: { races, facts, releases: [{ name: 'tmcp', version: '1.2.3' }] },
}

test('rates are ratios at the rate of the reference, by group and from the fastest', () => {
  const rows = rowsOf(races[1] as RaceResult)
  expect(rows[0]).toMatchObject({ name: 'mcp-anywhere', own: true, rate: 20_000, share: 1 })
  expect(rows[1]).toMatchObject({ rate: 10_000, share: 0.5 })
  const groups = rows.map(({ group }) => group)
  expect(groups).toEqual([...groups].sort((a, b) => groups.indexOf(a) - groups.indexOf(b)))
  expect(new Set(groups).size).toBe(2)
  expect(rows.at(-1)?.name).toBe('FastMCP')
})

test('both charts name every server, the machine and the date, and draw this package in a colour of its own', () => {
  const fills = (svg: string) => new Set([...svg.matchAll(/<rect [^>]*fill="(#\w+)"/g)].map(([, fill]) => fill))
  const [light, dark] = (['light', 'dark'] as const).map((theme) => comparisonChart(races, report, theme))
  for (const svg of [light, dark] as string[]) {
    expect(svg).toContain('A &lt;machine>, Node v1, 2026-01-02')
    for (const { others } of COMPARISONS) for (const { name } of others) expect(svg).toContain(`>${name}</text>`)
    expect(svg.match(/<rect /g)).toHaveLength(COMPARISONS.reduce((sum, { others }) => sum + others.length, 0))
    expect(svg).toContain('>20,000</text>')
    expect(fills(svg).size).toBe(2)
  }
  expect(fills(light as string)).not.toEqual(fills(dark as string))
})

test('the tables have a line for each server', () => {
  const comparison = { races, facts, releases: [] }
  expect(comparisonText(comparison)).toContain(
    '| mcp-anywhere | its own server | sessions in Redis, for any instance | 20,000 | 1.00 | 25 us | 1.00 ms |',
  )
  expect(factsText(comparison)).toContain('| A | so | 2025-11-25 | yes | yes | no |')
  expect(factsText(comparison)).toContain('| B | so | none | no | opens none |  |')
})

test('a comparison alone leaves the other figures as they are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compare-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const block = (name: string) => `<!-- npm run bench: ${name} -->\n<!-- /npm run bench: ${name} -->\n`
  writeFileSync(join(folder, 'performance.md'), block('machine'))
  writeFileSync(join(folder, 'comparison.md'), block('machine') + block('comparison') + block('releases'))
  writeReport(join(folder, 'performance'), report)
  expect(readFileSync(join(folder, 'performance.md'), 'utf8')).toBe(block('machine'))
  expect(existsSync(join(folder, 'performance.json'))).toBe(false)
  const written = readFileSync(join(folder, 'comparison.md'), 'utf8')
  expect(written).toContain('A <machine>, Node v1, 2026-01-02')
  expect(written).toContain('| mcp-anywhere | its own server |')
  expect(written).toContain('`tmcp` 1.2.3')
  expect(JSON.parse(readFileSync(join(folder, 'comparison.json'), 'utf8'))).toMatchObject({
    date: '2026-01-02',
    facts: [{ name: 'A' }, { name: 'B' }],
  })
  for (const theme of ['light', 'dark'])
    expect(readFileSync(join(folder, `comparison-${theme}.svg`), 'utf8')).toMatch(/^<svg /)
})

test('servers of the repository and of the other lock have the same releases', () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const { dependencies, devDependencies } = read('../../../package.json')
  const own: Record<string, string> = { ...dependencies, ...devDependencies }
  const others: Record<string, string> = read('../others/package.json').dependencies
  const shared = Object.entries(others).filter(([name]) => name in own)
  expect(shared.length).toBeGreaterThan(3)
  for (const [name, version] of shared) expect({ [name]: version }).toEqual({ [name]: own[name] })
  const measured = Object.fromEntries(comparedReleases().map(({ name, version }) => [name, version]))
  expect(measured).toMatchObject({ fastmcp: others.fastmcp, tmcp: others.tmcp })
})
