/** Runs single scenarios of the official conformance suite against a URL. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The revisions of the suite, and `extension` for scenarios of extensions, which belong to no revision. */
export const VERSIONS = ['2025-06-18', '2025-11-25', '2026-07-28', 'extension'] as const
export type Version = (typeof VERSIONS)[number]

export interface Scenario {
  scenario: string
  version: Version
}

export interface Outcome extends Scenario {
  /** No check failed or warned. */
  clean: boolean
  checks: number
  /** The number of skipped checks. */
  skipped: number
  /** Failures and warnings, a line each. */
  problems: string[]
  /** It did not end within its limit. */
  hung: boolean
}

const CLI = new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url).pathname

/** @param limit ms after which it is ended; 0: never */
function run(args: string[], limit = 0): Promise<{ code: number | null; output: string; hung: boolean }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) =>
    child.on('exit', (code, signal) => resolve({ code, output, hung: signal === 'SIGKILL' })),
  )
}

/** Lists the server scenarios, once for each of their revisions. */
export async function listScenarios(): Promise<Scenario[]> {
  const { output } = await run(['list', '--server'])
  return [...output.matchAll(/^ {2}- (\S+) \[([^\]]+)\]$/gm)].flatMap(([, scenario = '', revisions = '']) =>
    VERSIONS.filter((version) => revisions.split(',').includes(version)).map((version) => ({ scenario, version })),
  )
}

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
}

/** @param limit ms after which the scenario is ended, as one that hangs; 0: never */
export async function runScenario(url: string, { scenario, version }: Scenario, limit = 0): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-conformance-'))
  try {
    const dated = version === 'extension' ? [] : ['--spec-version', version]
    const args = ['server', '--url', url, '--scenario', scenario, ...dated, '-o', folder]
    const { code, output, hung } = await run(args, limit)
    const file = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('checks.json'))
    const checks = file === undefined ? [] : (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Check[])
    const problems = checks
      .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      .map(({ id, status, errorMessage = '' }) => `${status} ${id} ${errorMessage}`.trim())
    if (checks.length === 0) problems.push(`no checks: ${output.slice(-500)}`)
    else if (code !== 0 && problems.length === 0) problems.push(`exit code ${code}`)
    const skipped = checks.filter(({ status }) => status === 'SKIPPED').length
    return { scenario, version, clean: problems.length === 0, checks: checks.length, skipped, problems, hung }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The names of expected-failures.yaml. */
const expected: ReadonlySet<string> = new Set(
  (parse(readFileSync(new URL('./expected-failures.yaml', import.meta.url), 'utf8')) as { server: string[] }).server,
)

/**
 * The problem of an outcome: an unlisted failure, or a listed scenario that passes. Undefined: the outcome is as
 * expected.
 */
export function surprise(
  { scenario, version, clean, problems }: Outcome,
  listed: ReadonlySet<string> = expected,
): string | undefined {
  if (!clean) return listed.has(scenario) ? undefined : `${version} ${scenario} is not clean: ${problems.join('; ')}`
  return listed.has(scenario) ? `${version} ${scenario} passes, and is on the list of expected failures` : undefined
}

/** Runs `work` over the items, `width` at a time, and keeps their order. */
export async function inLanes<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const lane = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T)
  }
  await Promise.all(Array.from({ length: width }, lane))
  return results
}
