/** The setting for the server's file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig, serverFile } from '../../lib/cli/config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-config-'))
  mkdirSync(join(folder, 'src'))
  for (const name of ['src/server.ts', 'other.ts']) writeFileSync(join(folder, name), '')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

const EXPORT = `export default { server: 'src/server.ts' }`

test.each([
  [{ 'package.json': '{ "mcp-anywhere": { "server": "src/server.ts" } }' }],
  [{ 'mcp.config.ts': `import type { McpConfig } from 'mcp-anywhere'\n${EXPORT} satisfies McpConfig` }],
  [{ 'mcp.config.ts': `enum File { Server = 'src/server.ts' }\nexport default { server: File.Server }` }],
  [{ 'mcp.config.js': EXPORT, 'package.json': '{ "type": "module" }' }],
  [{ 'mcp.config.mjs': EXPORT, 'package.json': '{ "name": "demo" }' }],
])('%o names the server', async (files) => {
  write(files)
  expect(await serverFile(folder)).toBe(join(folder, 'src/server.ts'))
  expect(await serverFile(folder, 'other.ts')).toBe(join(folder, 'other.ts'))
})

test('a setting that has changed is read again', async () => {
  write({ 'mcp.config.ts': EXPORT })
  await readConfig(folder)
  write({ 'mcp.config.ts': `export default { server: 'other.ts' }` })
  expect(await serverFile(folder)).toBe(join(folder, 'other.ts'))
})

test('a project without the setting has none', async () => {
  expect(await readConfig(folder)).toBeUndefined()
  write({ 'package.json': '{}' })
  expect(await readConfig(folder)).toBeUndefined()
})

test.each([
  [{}, /^Which file has the server\? .*package\.json/],
  [{ 'package.json': '{ "mcp-anywhere": { "server": "src/serve.ts" } }' }, /^package\.json.*no src\/serve\.ts/],
  [{ 'package.json': '{ "mcp-anywhere": "src/server.ts" }' }, /^package\.json.* must have an object/],
  [{ 'package.json': '{ "mcp-anywhere": { "sever": "src/server.ts" } }' }, /^package\.json.*"sever" is no setting/],
  [{ 'package.json': '{ "mcp-anywhere": ' }, /^package\.json is not JSON/],
  [{ 'mcp.config.ts': 'export const server = 1' }, /^mcp\.config\.ts must have an object/],
  [{ 'mcp.config.ts': 'export default { server: 1 }' }, /^mcp\.config\.ts: "server" must be the file/],
  [{ 'mcp.config.ts': 'export default {' }, /mcp\.config\.ts:1:17: Expected/],
  [{ 'mcp.config.ts': 'throw new Error("no")' }, /^mcp\.config\.ts fails: no$/],
  [{ 'mcp.config.ts': EXPORT, 'mcp.config.js': EXPORT }, /^mcp\.config\.ts and mcp\.config\.js both have settings/],
  [
    { 'mcp.config.ts': EXPORT, 'package.json': '{ "mcp-anywhere": { "server": "other.ts" } }' },
    /^mcp\.config\.ts and package\.json \("mcp-anywhere"\) both have settings\. Remove one of them\.$/,
  ],
])('%o fails with one line', async (files, expected) => {
  write(files as Record<string, string>)
  const error = await serverFile(folder).catch((reason: Error) => reason)
  expect(error).toMatchObject({ name: 'Failure', message: expect.stringMatching(expected) })
  expect((error as Error).message).not.toContain('\n')
})

test('what serve serves stands beside the server, or alone', async () => {
  write({
    'mcp.config.ts': `export default { server: 'other.ts', serve: { package: '@a/b', args: ['x'], instances: () => 'k' } }`,
  })
  expect((await readConfig(folder))?.config).toMatchObject({
    server: 'other.ts',
    serve: { package: '@a/b', args: ['x'] },
  })
  write({ 'mcp.config.ts': `export default { serve: { package: './x.js', open: true } }` })
  expect((await readConfig(folder))?.config).toEqual({ serve: { package: './x.js', open: true } })
  await expect(serverFile(folder)).rejects.toThrow(/^Which file has the server\?/)
})

test.each([
  ['"@a/b"', /"serve" must be an object with the package: \{ "package": /],
  ['{}', /"package" of "serve" must be the name of a package, or a file\.$/],
  ['{ "package": "x", "arguments": [] }', /"serve" has no member "arguments"; there are package, args, /],
  ['{ "package": "x", "args": "y" }', /"args" of "serve" must be a list of texts\.$/],
  ['{ "package": "x", "isolate": "user" }', /"isolate" of "serve" must be "session" or "none"\.$/],
  ['{ "package": "x", "env": { "A": 1 } }', /"env" of "serve" must be an object of texts\.$/],
])('"serve": %s fails with one line', async (serve, expected) => {
  write({ 'package.json': `{ "mcp-anywhere": { "serve": ${serve} } }` })
  await expect(readConfig(folder)).rejects.toThrow(expected)
})

test('a file that the command line names must exist', async () => {
  await expect(serverFile(folder, 'nowhere.ts')).rejects.toThrow(/^There is no nowhere\.ts\.$/)
})
