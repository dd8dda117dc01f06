/** The measured part of docs/alternatives.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../tools/build.ts'
import { type Compared, compare, type Outcomes, REVISIONS, type Revision, SERVERS } from './compare.ts'

export interface Comparison {
  /** The day, as `2026-11-26`. */
  date: string
  node: string
  servers: ({ name: string; version: string } & Record<Revision, Outcomes>)[]
}

const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))

export function versionOf({ package: name }: Compared): string {
  return name === 'mcp-anywhere'
    ? json('package.json').version
    : json('test/more/migrate/package.json').dependencies[name]
}

/** Measures every server, one after the other. */
export async function comparison(): Promise<Comparison> {
  const servers = []
  for (const compared of SERVERS) {
    servers.push({ name: compared.name, version: versionOf(compared), ...(await compare(compared)) })
  }
  return { date: new Date().toISOString().slice(0, 10), node: process.version, servers }
}

/** What a cell of the table says of an outcome. */
const WORDS: [pattern: RegExp, words: string][] = [
  [/^ok$/, 'works'],
  [/Session not found/, '404, session not found'],
  [/Version negotiation failed/, 'revision not served'],
  [/did not declare|does not support/, 'cannot ask'],
  [/^no answer/, 'no answer'],
]

export function worded(outcome: string): string {
  return WORDS.find(([pattern]) => pattern.test(outcome))?.[1] ?? 'fails'
}

/** The table of docs/alternatives.md. */
export function table({ servers }: Comparison): string {
  const lines = [
    '| server | version | client of | calls | a question | the death of a process |',
    '|---|---|---|---|---|---|',
  ]
  for (const { name, version, ...outcomes } of servers) {
    for (const revision of REVISIONS) {
      const { calls, ask, death } = outcomes[revision]
      lines.push(`| ${[name, version, revision, ...[calls, ask, death].map(worded)].join(' | ')} |`)
    }
  }
  return lines.join('\n')
}
