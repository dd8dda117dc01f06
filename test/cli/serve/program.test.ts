/** Which file `serve` runs. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findProgram } from '../../../lib/cli/serve/program/find.ts'

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-program-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

const manifest = (name: string, more: object) => JSON.stringify({ name, version: '2.0.0', ...more })
const find = (named: string, bin?: string) => {
  const { name, file, isScript } = findProgram(folder, named, { args: [], bin })
  return [name, file.slice(folder.length + 1), isScript]
}

test('an installed package is found from its folder upwards, and runs the program that has its name', () => {
  write({
    'node_modules/@a/b/package.json': manifest('@a/b', { bin: { other: 'other.js', b: './dist/b.js' } }),
    'node_modules/@a/b/dist/b.js': '',
    'node_modules/@a/b/other.js': '',
    'deep/er/file.txt': '',
  })
  expect(find('@a/b')).toEqual(['@a/b 2.0.0', 'node_modules/@a/b/dist/b.js', true])
  expect(find('@a/b', 'other')).toEqual(['@a/b 2.0.0', 'node_modules/@a/b/other.js', true])
  expect(findProgram(join(folder, 'deep/er'), '@a/b', { args: [] }).file).toBe(
    join(folder, 'node_modules/@a/b/dist/b.js'),
  )
  expect(() => find('@a/b', 'none')).toThrow('@a/b 2.0.0 has no program "none". There is other, b.')
})

test.each([
  ['one text', { bin: 'run.js' }, 'run.js'],
  ['one of another name', { bin: { start: 'run.js' } }, 'run.js'],
  ['two names for one file', { bin: { one: 'run.js', two: 'run.js' } }, 'run.js'],
  ['main, where there is no program', { main: 'run.js' }, 'run.js'],
])('a folder with a package.json: %s', (_, more, file) => {
  write({ 'app/package.json': manifest('app', more), 'app/run.js': '' })
  expect(find('./app')).toEqual(['app 2.0.0', `app/${file}`, true])
})

test.each([
  ['server.js', '', true],
  ['src/server.mts', '', true],
  ['bin/run', '#!/usr/bin/env node\n', true],
  ['bin/run', 'require("./server.js")', true],
  ['bin/run', '#!/usr/bin/env python3\n', false],
  ['bin/run', '\x7fELF\0', false],
  ['server.py', 'import mcp', false],
])('%s with %j runs', (name, text, isScript) => {
  write({ [name]: text })
  expect(find(name.includes('/') ? name : `./${name}`).slice(1)).toEqual([name, isScript])
  if (name === 'server.js') expect(find(name).slice(1)).toEqual([name, true])
})

test.each([
  ['./nowhere.js', /^There is no \.\/nowhere\.js\.$/],
  [
    'nowhere',
    /^nowhere is not installed here\. npm install nowhere, or .*npx -p mcp-anywhere -p nowhere mcp-anywhere serve nowhere$/,
  ],
  ['@a/b@1.2', /^Name the package without its version, "@a\/b": .* npm install @a\/b@1\.2$/],
  ['src', /^No package "src" is installed here\. For the folder of that name: \.\/src$/],
  ['./src', /^\.\/src has no package\.json that can be read\. Name the file that runs\.$/],
  ['several', /^several 2\.0\.0 has several programs: one, two\. Choose one with --bin\.$/],
  ['empty', /^empty 2\.0\.0 has no program in its package\.json\. Name the file that runs\.$/],
  ['unbuilt', /^unbuilt 2\.0\.0 has no \S+dist\/x\.js, which its package\.json names\. Build the package first\.$/],
])('%s fails with one line', (named, expected) => {
  write({
    'src/server.js': '',
    'node_modules/several/package.json': manifest('several', { bin: { one: '1.js', two: '2.js' } }),
    'node_modules/empty/package.json': manifest('empty', {}),
    'node_modules/unbuilt/package.json': manifest('unbuilt', { bin: 'dist/x.js' }),
  })
  expect(() => find(named)).toThrow(expected)
})

test('a file has no programs to choose from', () => {
  write({ 'server.js': '' })
  expect(() => find('./server.js', 'x')).toThrow('--bin x chooses a program of a package, and ./server.js is a file.')
})
