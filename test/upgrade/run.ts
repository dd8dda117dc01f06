/**
 * `npm run test:upgrade -- --against <checkout>`: the tests of this folder, with the instances of another commit beside
 * those of this one. What follows `--` goes to vitest: `--against ../before -- deaths -t "is run again"`.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { checkoutAt } from '../support/checkout.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

try {
  const { values, positionals } = parseArgs({ options: { against: { type: 'string' } }, allowPositionals: true })
  const before = checkoutAt(values.against, ['test/support/instance.ts'])
  const args = [file('../../node_modules/vitest/vitest.mjs'), 'run', '--config', file('vitest.config.ts')]
  const env = { ...process.env, UPGRADE_FROM: before.href }
  const { status } = spawnSync(process.execPath, [...args, ...positionals], { stdio: 'inherit', env })
  process.exitCode = status ?? 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
