/** `npm run compat` against servers of other suites of Debian. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = fileURLToPath(new URL('../../compat/run.ts', import.meta.url))
const compat = async (...args: string[]) => {
  const done = promisify(execFile)(process.execPath, [run, ...args], { env: { ...process.env, NODE_OPTIONS: '' } })
  return done.catch((error) => error as { stdout: string; stderr: string })
}

test('a server is fetched, used with its own libraries, and shown in the table of a document', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compat-test-'))
  const document = join(folder, 'document.md')
  const old =
    '| Valkey 8.1.1 | `valkey-server/trixie` | 1 | 0 | 1 | 0 | 2026-01-01 |\n| Redis 1.0.0 | `x` | 1 | 1 | 0 | 0 | 2026-01-01 |'
  writeFileSync(document, `before\n<!-- npm run compat -->\n${old}\n<!-- /npm run compat -->\nafter\n`)
  const { stdout } = await compat(
    '--debian',
    'valkey-server/trixie',
    '--only',
    'test/store/redis-time',
    '--write',
    document,
  )
  expect(stdout).toMatch(/\| Valkey 8\.1\.\d+ \| `valkey-server\/trixie` \| 4 \| 4 \| 0 \| 0 \| \d{4}-\d\d-\d\d \|/)
  const written = readFileSync(document, 'utf8')
  expect(written).toMatch(
    /^before\n<!-- npm run compat -->\n\| server [\s\S]*\n\| Redis 1\.0\.0 [\s\S]*\n\| Valkey 8\.1\.\d+ [^\n]*\n<!-- \/npm run compat -->\nafter\n$/,
  )
  rmSync(folder, { recursive: true })
})

test('Redis 6.0 is shown with the line of its refusal, and no test is run', async () => {
  const { stdout } = await compat('--debian', 'redis-server/bullseye')
  expect(stdout).toMatch(
    /\| Redis 6\.0\.16 \| `redis-server\/bullseye` \| refused: “Redis 6\.2 or later is needed, and this one is 6\.0\.16\.” \|/,
  )
})

test.each([
  [['--debian', 'valkey'], /--debian takes packages with their suites, such as redis-server\/trixie, not "valkey"\./],
  [[], /Which server to use is missing: add --server PATH or --debian PACKAGE\/SUITE/],
  [['--help'], /^npm run compat -- --server PATH/],
])('%j gets a line', async (args, line) => {
  const { stdout, stderr } = await compat(...args)
  expect(stdout + stderr).toMatch(line)
})
