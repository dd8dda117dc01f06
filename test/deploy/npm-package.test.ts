/** The npm package as `npm run build:package` writes it. `npm run test:more` installs and uses it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../../tools/build-package.ts'

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-package-'))
  await buildPackage(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('every entry and every program of the published manifest is there, compiled', () => {
  const { exports, bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const named = [...JSON.stringify([exports, bin]).matchAll(/"(?:\.\/)?(dist\/[^"]+)"/g)].map(([, file = '']) => file)
  expect(named).toContain('dist/index.d.ts')
  expect(named).toContain('dist/cli/main.js')
  for (const file of named) expect(existsSync(join(folder, file)), file).toBe(true)
})

test('compiled files import compiled files', () => {
  for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/endpoint.js', 'dist/endpoint.d.ts']) {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(
      text.match(/from '\.[^']*'/g)?.every((from) => from.endsWith(".js'")),
      file,
    ).toBe(true)
  }
})
