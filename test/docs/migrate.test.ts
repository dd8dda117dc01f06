/** docs/migrate.md shows the diffs that test/more/migrate applies. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parsePatch, patched } from '../ports/patch.ts'

const check = join(import.meta.dirname, '../more/migrate')
const document = readFileSync(join(import.meta.dirname, '../../docs/migrate.md'), 'utf8')
const names = readdirSync(join(check, 'project'))
const patchOf = (name: string) => readFileSync(join(check, `${name}.patch`), 'utf8')

test('the document has the diff of each server, and no other one', () => {
  const shown = [...document.matchAll(/^```diff\n([\s\S]*?)^```$/gm)].map(([, diff]) => diff)
  expect(names).toHaveLength(5)
  expect(shown.toSorted()).toEqual(names.map(patchOf).toSorted())
})

test.each(names)('the diff of %s fits its server', (name) => {
  for (const patch of parsePatch(patchOf(name))) {
    const after = patched(readFileSync(join(check, 'project', name, patch.path), 'utf8'), patch)
    expect(after).toContain("from 'mcp-anywhere'")
    for (const other of ['fastmcp', 'mcp-handler', 'mcp-lite', 'streamableHttp'])
      expect(after).not.toContain(`${other}'`)
  }
})

test('the servers have exact versions', () => {
  const { dependencies } = JSON.parse(readFileSync(join(check, 'package.json'), 'utf8'))
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})
