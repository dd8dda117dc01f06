/**
 * The tests of test/sdk with servers of other releases of the official SDK: the oldest of each line that is served, and the
 * newest. They are run by a Vitest of their own, since each release has its modules under the names that servers import.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'
import { run } from '../support/run.ts'

/** Each needs a server and nothing else: no process, no Redis. */
const FILES = ['shared', 'lists', 'attribution', 'instances', 'roots', 'client-messages', 'parking'].map(
  (name) => `test/sdk/${name}.test.ts`,
)
const MEMBERS = 'test/more/sdk-releases/members.release.ts'

interface Release {
  package: string
  version: string
  line: '1.x' | '2.x'
  /** It takes schemas of zod 3 alone. */
  zod3?: boolean
  /** A test of another behaviour: this release differs behind its own transport, too. */
  differs?: string
}

const RELEASES: Release[] = [
  // Wrong arguments are an error of the protocol there. Later they are a result with isError.
  { package: 'sdk-oldest', version: '1.20.0', line: '1.x', zod3: true, differs: 'keeps the errors of the SDK' },
  { package: 'sdk-newest', version: '1.32.2', line: '1.x' },
  { package: 'server-oldest', version: '2.0.0', line: '2.x' },
  { package: 'server-newest', version: '2.4.0', line: '2.x' },
]

interface Report {
  numPassedTests: number
  testResults: {
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
    message: string
  }[]
}

/** zod 3 with the one function of zod 4 that the servers of the tests use. */
function zod3(modules: string, folder: string): string {
  const from = (path: string) => JSON.stringify(pathToFileURL(join(modules, path)).href)
  const file = join(folder, 'zod.mjs')
  const lines = [
    `import { z as zod } from ${from('zod-3/index.js')}`,
    `import { zodToJsonSchema } from ${from('zod-to-json-schema/dist/esm/index.js')}`,
    'export const z = { ...zod, toJSONSchema: (schema) => zodToJsonSchema(schema) }',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

test.each(RELEASES)('servers of $package $version pass the tests of test/sdk', async (release) => {
  const modules = join(await installed('sdk-releases'), 'node_modules')
  const at = (path: string) => join(modules, release.package, path)
  expect(JSON.parse(readFileSync(at('package.json'), 'utf8')).version).toBe(release.version)
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const names =
    release.line === '1.x'
      ? { '@modelcontextprotocol/sdk/': at('dist/esm/') }
      : { '@modelcontextprotocol/server': at('dist/index.mjs') }
  const RELEASE = JSON.stringify({ ...names, ...(release.zod3 && { zod: zod3(modules, folder) }) })
  const report = join(folder, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const config = join(import.meta.dirname, 'release.config.ts')
  // Tests of one line alone have its name.
  const others = [release.line === '1.x' ? '2\\.x' : '1\\.x', ...(release.differs ? [release.differs] : [])]
  const only = `^(?!.*(?:${others.join('|')}))`
  const args = ['run', '--config', config, '--reporter=json', '--outputFile', report, '-t', only, ...FILES, MEMBERS]
  await run(process.execPath, [vitest, ...args], { cwd: root, env: { RELEASE } }).catch(() => {})
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  const failed = testResults.flatMap(({ assertionResults, message }) => {
    const wrong = assertionResults.filter(({ status }) => status === 'failed')
    return assertionResults.length === 0
      ? [message]
      : wrong.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`)
  })
  expect(failed).toEqual([])
  expect(numPassedTests).toBeGreaterThan(30)
})
