/** The conformance suite with servers of the official SDK: each alone in one process, and unchanged in three instances. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parse } from 'yaml'
import { freePort } from '../support/ports.ts'
import { type Outcome, type Scenario, VERSIONS } from './suite.ts'

export const OFFICIAL = ['1.x', '2.x', 'everything'] as const
export type Official = (typeof OFFICIAL)[number]

/** The modules of the servers, from test/support. */
export const MODULES: Readonly<Record<Official, string>> = {
  '1.x': '../fixtures/official/sdk1.ts',
  '2.x': '../fixtures/official/sdk2.ts',
  everything: '../fixtures/official/everything.ts',
}

export interface Alone {
  url: string
  stop(): Promise<void>
}

/**
 * Starts a server behind the SDK's own transport.
 *
 * @param everything the folder of the npm package, for that server
 */
export async function startAlone(name: Official, everything = ''): Promise<Alone> {
  const own = name === 'everything'
  const args = own
    ? [`${everything}/dist/index.js`, 'streamableHttp']
    : [new URL('alone.ts', import.meta.url).pathname, name]
  const port = own ? await freePort() : 0
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const gone = once(child, 'exit').finally(() => process.removeListener('exit', die))
  const output: string[] = []
  const listening = new Promise<string>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        output.push(line)
        const found = /\blisten\w* (?:on port )?(\d+)/i.exec(line)?.[1]
        if (found) resolve(found)
      })
    }
  })
  const early = gone.then(() => {
    throw new Error(`The server ended:\n${output.join('\n')}`)
  })
  early.catch(() => {})
  return {
    url: `http://127.0.0.1:${await Promise.race([listening, early])}/mcp`,
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** By server and revision: the scenarios that are not clean in three instances. */
const expected = parse(readFileSync(new URL('official-not-clean.yaml', import.meta.url), 'utf8')) as Readonly<
  Partial<Record<Official, Readonly<Record<string, readonly string[]>>>>
>

/** The scenarios of revisions. Those of extensions are of no server here. */
export function ofRevisions(scenarios: readonly Scenario[], versions: readonly string[] = VERSIONS): Scenario[] {
  return scenarios.filter(({ version }) => version !== 'extension' && versions.includes(version))
}

/**
 * The problem of an outcome in three instances: a scenario that the list of the server lacks, or one on the list that is clean. Most
 * scenarios use tools that "everything" does not have: it has no list.
 */
export function surpriseOf(name: Official, { scenario, version, clean, problems }: Outcome): string | undefined {
  const lists = expected[name]
  if (!lists) return undefined
  const isListed = lists[version]?.includes(scenario) ?? false
  if (clean !== isListed) return undefined
  const why = clean ? 'is clean, and on the list' : `is not clean: ${problems.join('; ')}`
  return `${name}: ${version} ${scenario} ${why}`
}

/** The scenarios that were clean alone and are not in three instances. */
export function lostOf(alone: readonly Outcome[], fleet: readonly Outcome[]): string[] {
  const clean = (outcomes: readonly Outcome[]) =>
    new Set(outcomes.filter((outcome) => outcome.clean).map(({ version, scenario }) => `${version} ${scenario}`))
  const here = clean(fleet)
  return [...clean(alone)].filter((scenario) => !here.has(scenario))
}

/** `27 of 27` for each revision. */
export function counts(outcomes: readonly Outcome[]): string {
  const parts = VERSIONS.flatMap((version) => {
    const mine = outcomes.filter((outcome) => outcome.version === version)
    return mine.length === 0 ? [] : [`${version} ${mine.filter(({ clean }) => clean).length} of ${mine.length}`]
  })
  return parts.join(', ')
}
