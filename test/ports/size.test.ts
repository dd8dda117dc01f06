/** The ports of public servers: how much of each server had to change. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parsePatch, sizeOf, writtenLines } from './patch.ts'
import { ports } from './ports.ts'

const root = join(import.meta.dirname, '../..')
const check = join(root, 'test/more/ports')
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const patchOf = (name: string) => parsePatch(read(import.meta.dirname, `${name}.patch`))
const { dependencies } = JSON.parse(read(check, 'package.json')) as { dependencies: Record<string, string> }
const names = Object.keys(ports) as (keyof typeof ports)[]

test('each port has a diff, and each diff has a port', () => {
  const diffs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.patch'))
  expect(diffs.toSorted()).toEqual(names.map((name) => `${name}.patch`).toSorted())
})

test.each(names)('%s is moved by its imports and at most ten further lines', (name) => {
  const patch = patchOf(name)
  expect(sizeOf(patch).written).toBeLessThanOrEqual(10)
  // No line does the work of several.
  for (const line of writtenLines(patch)) expect(line.length).toBeLessThanOrEqual(140)
})

test('the servers have exact versions, and the lock has a digest of each package', () => {
  expect(Object.keys(dependencies).toSorted()).toEqual(names.map((name) => ports[name].package).toSorted())
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  const { packages } = JSON.parse(read(check, 'package-lock.json')) as {
    packages: Record<string, { integrity?: string; version?: string }>
  }
  for (const [path, { integrity }] of Object.entries(packages)) {
    if (path !== '') expect(`${path} ${integrity}`).toMatch(/ sha512-/)
  }
  for (const [name, version] of Object.entries(dependencies)) {
    expect(packages[`node_modules/${name}`]?.version).toBe(version)
  }
})

test('docs/sdk.md has the size of each port', () => {
  const rows = names.map((name) => {
    const { imports, written, removed } = sizeOf(patchOf(name))
    return `| [${name}](../test/ports/${name}.patch) | ${ports[name].package} ${dependencies[ports[name].package]} | ${imports} | ${written} | ${removed} |`
  })
  const document = read(root, 'docs/sdk.md')
  const found = document.split('\n').filter((line) => line.includes('(../test/ports/'))
  expect(
    found.map((line) =>
      line
        .split(' | ')
        .slice(0, 5)
        .join(' | ')
        .replace(/( \|)?$/, ' |'),
    ),
  ).toEqual(rows)
})
