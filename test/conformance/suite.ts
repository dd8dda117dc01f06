/** The official conformance suite, scenario by scenario, against any URL. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const VERSIONS = ['2025-06-18', '2025-11-25', '2026-07-28'] as const
export type Version = (typeof VERSIONS)[number]

export interface Outcome {
  scenario: string
  version: string
  /** Every check succeeded: a warning counts as not clean. */
  clean: boolean
  checks: number
  /** What was not clean, a line each. */
  problems: string[]
}

const CLI = new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url).pathname

function run(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })))
}

/** The server scenarios of the core protocol, with the revisions that each belongs to. Extensions are left out. */
export async function listScenarios(): Promise<{ scenario: string; version: Version }[]> {
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

export async function runScenario(url: string, scenario: string, version: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-conformance-'))
  try {
    const args = ['server', '--url', url, '--scenario', scenario, '--spec-version', version, '-o', folder]
    const { code, output } = await run(args)
    const file = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('checks.json'))
    const checks = file === undefined ? [] : (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Check[])
    const problems = checks
      .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      .map(({ id, status, errorMessage = '' }) => `${status} ${id} ${errorMessage}`.trim())
    if (checks.length === 0) problems.push(`no checks: ${output.slice(-500)}`)
    else if (code !== 0 && problems.length === 0) problems.push(`exit code ${code}`)
    return { scenario, version, clean: problems.length === 0, checks: checks.length, problems }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
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
