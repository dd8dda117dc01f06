/** The files of the SDK that the import hook changes, in both lines and both kinds of module. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { copyOf, withHook } from '../../../lib/cli/serve/hook/sdk-files.ts'
import { root } from '../../../tools/build.ts'

const modules = join(root, 'node_modules/@modelcontextprotocol')

/** The calls that are added to a file. */
function added(file: string): string[] {
  const path = join(modules, file)
  const copy = copyOf(pathToFileURL(path).href)!
  const format = /cjs/.test(file) ? 'commonjs' : 'module'
  const text = readFileSync(path, 'utf8')
  const changed = withHook(text, copy, format) ?? text
  expect(changed.startsWith(text)).toBe(true)
  return [...changed.slice(text.length).matchAll(/found\(\{ ([^}]*) \}|(serveStdio) =|(exports\.\w+) =/g)].map(
    ([, classes, call, exported]) => classes ?? call ?? exported ?? '',
  )
}

test.each(['esm', 'cjs'])('1.x, %s', (kind) => {
  expect(added(`sdk/dist/${kind}/server/stdio.js`)).toEqual(['StdioServerTransport'])
  expect(added(`sdk/dist/${kind}/server/mcp.js`)).toEqual(['McpServer'])
  expect(added(`sdk/dist/${kind}/shared/protocol.js`)).toEqual(['Protocol'])
  expect(added(`sdk/dist/${kind}/client/index.js`)).toEqual([])
})

test('2.x', () => {
  expect(added('server/dist/stdio.mjs')).toEqual(['StdioServerTransport', 'serveStdio'])
  expect(added('server/dist/stdio.cjs')).toEqual(['StdioServerTransport', 'serveStdio', 'exports.serveStdio'])
})

test.each(['mjs', 'cjs'])('2.x: one %s file each declares the servers', (ending) => {
  const files = readdirSync(join(modules, 'server/dist')).filter((name) => name.endsWith(`.${ending}`))
  const all = files.flatMap((name) => added(`server/dist/${name}`))
  expect(all.filter((name) => name === 'McpServer' || name === 'Protocol').sort()).toEqual(['McpServer', 'Protocol'])
})

test('the copy of the SDK is known by its package.json, and other files by none', () => {
  expect(copyOf(pathToFileURL(join(modules, 'sdk/dist/cjs/server/stdio.js')).href)).toEqual({
    name: '@modelcontextprotocol/sdk',
    version: '1.32.2',
  })
  expect(copyOf(pathToFileURL(join(root, 'node_modules/vitest/dist/index.js')).href)).toBeUndefined()
  expect(copyOf('node:fs')).toBeUndefined()
})
