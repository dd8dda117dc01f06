/** The table of packages in docs/serve.md has those that `npm run test:more` serves, as it serves them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { packages } from '../more/serve/packages.ts'

const table = readFileSync(join(root, 'docs/serve.md'), 'utf8').matchAll(
  /^\| `([^`]+)` (\S+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm,
)
const manifest = JSON.parse(readFileSync(join(root, 'test/more/serve/package.json'), 'utf8'))
const rows = [...table].map(([, name = '', version, sdk, runs, notes = '']) => ({ name, version, sdk, runs, notes }))

test('each package has a row, in the version that is tested', () => {
  const versions = rows.map(({ name, version }) => [name, version])
  expect(Object.fromEntries(versions)).toEqual(manifest.dependencies)
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(packages))
})

test('each row says which SDK a package has, and what serves it', () => {
  for (const { name, sdk, runs, notes } of rows) {
    expect({ name, sdk, runs }).toEqual({ name, sdk: packages[name]?.sdk, runs: packages[name]?.runs })
    expect(notes.trim()).not.toBe('')
  }
})

test('at least ten packages are served', () => {
  expect(rows.length).toBeGreaterThanOrEqual(10)
})
