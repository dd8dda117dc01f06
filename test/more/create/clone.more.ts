/** `npm run create` in a clone makes the project that `npm create mcp-anywhere` will make, without a registry that has the packages. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { npm } from '../support/npm.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-clone-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a clone makes the project, with the package of the clone', async () => {
  const demo = join(folder, 'demo')
  expect(await npm(root, 'run', 'create', '--', demo)).toMatch(/has a server, .*\n\n {2}cd .*demo\n {2}npm run dev\n$/)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { dependencies } = JSON.parse(readFileSync(join(demo, 'package.json'), 'utf8'))
  expect(dependencies['mcp-anywhere']).toMatch(new RegExp(`^file:.*/dist/mcp-anywhere-${version}\\.tgz$`))
  expect(await npm(demo, 'test')).toMatch(/^# fail 0$|^ℹ fail 0$/m)
})

const taken = join(folder, 'taken')

test.each([
  ['no folder', [], 'Name the folder of the project, and nothing else: npm run create -- ../demo'],
  ['a folder that is not empty', [taken], 'is not empty: it has taken.txt. Name another folder.'],
])('%s is refused with one line', async (_, args, line) => {
  mkdirSync(taken, { recursive: true })
  writeFileSync(join(taken, 'taken.txt'), '')
  await expect(npm(root, 'run', 'create', '--', ...args)).rejects.toThrow(line)
})
