/** `npm run compat`: the tests of the store and of several instances, against another server than the installed one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readDebian, unpackDebian } from './debian.ts'
import { launcherOf } from './launcher.ts'
import { refusalOf, versionOf } from './server.ts'
import { type Row, tableOf, withRows } from './table.ts'

const HELP = `npm run compat -- --server PATH | --debian PACKAGE/SUITE[,PACKAGE/SUITE…] [options]

Runs test/store and test/cluster against another server of the Redis protocol, and prints a table of what was run.
A server that the store refuses is shown with the line of the refusal, and no test is run against it.

  --server PATH    a redis-server or valkey-server. Where it stands in a folder that was unpacked as if it were /, with
                   a C library of its own, it is started with the loader and the libraries of that folder
  --debian LIST    packages of Debian suites, such as redis-server/trixie,valkey-server/sid. They are unpacked with
                   all that they need below ~/.cache/mcp-anywhere/servers, and nothing is installed
  --only LIST      paths of tests, with commas; default: test/store,test/cluster
  --workers N      test files at a time; default: 2
  --write FILE     replaces the rows of these servers in the table of the document, such as docs/deploy.md
  --help           prints this`

interface Chosen {
  program: string
  from: string
}

/** The part of Vitest's report that is read here. */
interface Report {
  numTotalTests: number
  numPassedTests: number
  numFailedTests: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string }[]
  }[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      server: { type: 'string', multiple: true, default: [] },
      debian: { type: 'string' },
      only: { type: 'string', default: 'test/store,test/cluster' },
      workers: { type: 'string', default: '2' },
      write: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(HELP)
    return true
  }
  const debian = values.debian?.split(',').map(readDebian) ?? []
  if (values.server.length + debian.length === 0)
    throw new TypeError(
      'Which server to use is missing: add --server PATH or --debian PACKAGE/SUITE (--help shows more).',
    )
  const chosen: Chosen[] = values.server.map((program) => ({ program, from: program }))
  for (const one of debian) chosen.push({ program: unpackDebian(one), from: `${one.package}/${one.suite}` })
  const rows: Row[] = []
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compat-'))
  try {
    for (const { program, from } of chosen) {
      process.env.REDIS_SERVER = launcherOf(program, folder)
      const row: Row = {
        server: versionOf(process.env.REDIS_SERVER),
        from,
        date: new Date().toISOString().slice(0, 10),
        outcome: await outcomeOf(join(folder, 'report.json'), values.only.split(','), values.workers),
      }
      rows.push(row)
      if (values.write !== undefined) writeFileSync(values.write, withRows(readFileSync(values.write, 'utf8'), [row]))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`\n${tableOf(rows)}`)
  return rows.every(({ outcome }) => 'refused' in outcome || outcome.failed === 0)
}

async function outcomeOf(report: string, only: readonly string[], workers: string): Promise<Row['outcome']> {
  const refused = await refusalOf()
  if (refused !== undefined) return { refused }
  const options = ['--reporter', 'dot', '--reporter', 'json', '--outputFile.json', report, '--maxWorkers', workers]
  rmSync(report, { force: true })
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...options, ...only]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'exit')
  const { testResults, ...counts } = JSON.parse(readFileSync(report, 'utf8')) as Report
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  for (const { name, message } of broken) console.error(`failed: ${name}: ${message}`)
  for (const { name, assertionResults } of testResults)
    for (const { fullName } of assertionResults.filter(({ status }) => status === 'failed'))
      console.error(`failed: ${name.slice(root.length)}: ${fullName}`)
  const { numTotalTests: tests, numPassedTests: passed } = counts
  const failed = counts.numFailedTests + broken.length
  return { tests, passed, failed, skipped: tests - passed - counts.numFailedTests }
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
