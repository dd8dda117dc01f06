/** What is published, read by the tools that look for mistakes in packages. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'
import { npm } from '../support/npm.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const own = 'node_modules/mcp-anywhere'

test('publint finds nothing', async () => {
  const publint = join(await installed('publishing'), 'node_modules/publint/src/cli.js')
  const output = await run(process.execPath, [publint, inject('tarball'), '--strict'], { cwd: root })
  expect(output).toContain('All good!')
})

test('every entry has types for every way to import it', async () => {
  const attw = join(await installed('publishing'), 'node_modules/@arethetypeswrong/cli/dist/index.js')
  // An ES module is imported, also from CommonJS: that needs no types of its own.
  await run(process.execPath, [attw, inject('tarball'), '--profile', 'esm-only'], { cwd: root })
})

test('the package has the compiled lib, README, documents and licence, and runs nothing when it is installed', async () => {
  const folder = await project()
  const manifest = JSON.parse(readFileSync(join(folder, own, 'package.json'), 'utf8'))
  const ofRepository = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(manifest.scripts).toBeUndefined()
  expect(manifest.devDependencies).toBeUndefined()
  expect(Object.keys(manifest.dependencies)).toEqual(Object.keys(ofRepository.dependencies))
  expect(Object.keys(manifest.exports)).toEqual([...Object.keys(ofRepository.exports), './package.json'])
  expect(readdirSync(join(folder, own)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'docs', 'package.json'])
  const files = readdirSync(join(folder, own, 'dist'), { recursive: true, encoding: 'utf8', withFileTypes: true })
  const kinds = new Set(files.filter((file) => file.isFile()).map(({ name }) => name.replace(/^[\w-]+/, '')))
  expect([...kinds].sort()).toEqual(['.d.ts', '.js', '.js.map'])
})

test('the program of the package starts', async () => {
  const folder = await project()
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const program = join(folder, 'node_modules/.bin/mcp-anywhere')
  expect(await run(program, ['--version'], { cwd: folder })).toBe(`${version}\n`)
  expect(await run(program, ['--help'], { cwd: folder })).toContain('mcp-anywhere dev')
})

test('the declarations have the comments, and the source maps the sources', async () => {
  const folder = await project()
  const read = (name: string) => readFileSync(join(folder, own, 'dist', name), 'utf8')
  expect(read('endpoint.d.ts')).toContain('@throws TypeError with one line for an option that cannot work')
  const map = JSON.parse(read('endpoint.js.map'))
  expect(map.sourcesContent).toEqual([readFileSync(join(root, 'lib/endpoint.ts'), 'utf8')])
})

test('the SBOM of a release has every package that an installation has', async () => {
  const folder = await project()
  const published = join(folder, own)
  // As in .github/workflows/release.yml.
  await npm(published, 'install', '--package-lock-only', '--ignore-scripts')
  const sbom = JSON.parse(await npm(published, 'sbom', '--package-lock-only', '--sbom-format=spdx'))
  const { dependencies } = JSON.parse(readFileSync(join(published, 'package.json'), 'utf8'))
  const names = sbom.packages.map(({ name }: { name: string }) => name)
  expect(names).toEqual(expect.arrayContaining(['mcp-anywhere', ...Object.keys(dependencies)]))
})
