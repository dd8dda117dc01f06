/** The comparison as Markdown. */
import type { RaceResult } from '../throughput.ts'
import type { Facts } from './facts.ts'
import { releases } from './others.ts'
import { COMPARISONS } from './races.ts'

export interface ComparisonResult {
  races: RaceResult[]
  facts: Facts[]
  releases: { name: string; version: string }[]
}

/** A server in a comparison. */
export interface Row {
  name: string
  use: string
  group: string
  own: boolean
  /** Calls per second of a server on one core: its ratio to the reference, at the median rate of the reference. */
  rate: number
  /** Of the first server, which is this package. */
  share: number
  /** CPU time of the server per call, in us. */
  cpu: number
  p50: number
}

/** The packages whose releases are named: those that are measured, and those through which they are. */
const NAMED = [
  '@modelcontextprotocol/server',
  '@modelcontextprotocol/sdk',
  'tmcp',
  '@tmcp/transport-http',
  '@tmcp/session-manager-redis',
  'mcp-lite',
  'mcp-handler',
  'fastmcp',
]

export const comparedReleases = () => releases(NAMED)

/**
 * The servers of each group, from the fastest.
 *
 * @throws Error where the result is of other comparisons than this version has
 */
export function rowsOf(race: RaceResult): Row[] {
  const comparison = COMPARISONS.find(({ title }) => title === race.title)
  const reference = race.variants.find(({ name }) => name === race.reference)
  if (!comparison || !reference) throw new Error(`There is no comparison "${race.title}".`)
  const rows = comparison.others.flatMap(({ name, use, group, own = false }) => {
    const found = race.variants.find((variant) => variant.name === name)
    if (!found) return []
    const { ratio, cpu, p50 } = found
    return [{ name, use, group, own, rate: ratio.median * reference.rate.median, share: 0, cpu, p50 }]
  })
  const first = rows[0]?.rate ?? Number.NaN
  const groups = [...new Set(rows.map(({ group }) => group))]
  return rows
    .map((row) => ({ ...row, share: row.rate / first }))
    .sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || b.rate - a.rate)
}

/** A number with three digits that count. */
export const rounded = (value: number) => Number(value.toPrecision(3)).toLocaleString('en-US')

export function comparisonText({ races }: ComparisonResult): string {
  return races.map(raceText).join('\n\n')
}

function raceText(race: RaceResult): string {
  const head = ['server', 'used', '', 'calls per second', 'of mcp-anywhere', 'CPU per call', 'p50']
  const cells = rowsOf(race).map(({ name, use, group, rate, share, cpu, p50 }) => [
    name,
    use,
    group,
    rounded(rate),
    share.toFixed(2),
    `${cpu.toFixed(0)} us`,
    `${p50.toFixed(2)} ms`,
  ])
  return [`**${race.title}**`, '', ...table(head, ['---', '---', '---', '--:', '--:', '--:', '--:'], cells)].join('\n')
}

export function factsText({ facts }: ComparisonResult): string {
  const yes = (value: boolean) => (value ? 'yes' : 'no')
  const head = [
    'server',
    'used',
    'newest revision with sessions',
    '2026-07-28',
    'a session goes on after its process was killed',
    'a session that was never opened is refused',
  ]
  const cells = facts.map(({ name, use, sessions, stateless, session }) => [
    name,
    use,
    sessions ?? 'none',
    yes(stateless),
    session ? yes(session.survives) : 'opens none',
    session ? yes(session.checked) : '',
  ])
  return table(head, ['---', '---', '---', '---', '---', '---'], cells).join('\n')
}

export function releasesText({ releases: list }: ComparisonResult): string {
  return list.map(({ name, version }) => `\`${name}\` ${version}`).join(', ')
}

function table(head: string[], rule: string[], cells: string[][]): string[] {
  return [head, rule, ...cells].map((row) => `| ${row.join(' | ')} |`)
}
