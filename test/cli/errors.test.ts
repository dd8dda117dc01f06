/** What cannot be served ends a command with one line: the file, the reason and the cure. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { explained } from '../../lib/cli/start/as-it-is.ts'
import { problemOf } from '../../lib/platform/no-server.ts'
import { root } from '../../tools/build.ts'
import { type Project, projectsOfTests } from './project.ts'

const project = projectsOfTests()

const SERVER = `import { McpServer } from 'mcp-anywhere'\nexport const server = new McpServer({ name: 'a', version: '1' })\n`

/** Both print the same line: what `start` refuses does `build`, too. */
const OF_THE_CODE: Record<string, [source: string, line: RegExp]> = {
  'a syntax error': ['export const server = {\n  name: ', /^server\.ts:2:9: Unexpected end of file$/],
  'no export': ['console.log', /^server\.ts exports nothing\. Export it as "server": export const server = new McpS/],
  'exports of other names': [
    'export const mcp = 1, other = 2',
    /^server\.ts exports mcp, other, and no server\. Export it as "server": /,
  ],
  'a file that is not there': [
    `import './tools.js'\n${SERVER}`,
    /^server\.ts:1:8: Could not resolve "\.\/tools\.js" \(there is no such file\)$/,
  ],
  'a package that is not installed': [
    `import left from 'left-pad/lib'\n${SERVER}left()`,
    /^server\.ts:1:18: Could not resolve "left-pad\/lib" \(npm install left-pad; an alias belongs under "paths"/,
  ],
  'an entry that the package does not have': [
    `import { x } from 'mcp-anywhere/nothing'\n${SERVER}x()`,
    /^server\.ts:1:19: Could not resolve "mcp-anywhere\/nothing" \(the package has no such entry\)$/,
  ],
  'parameter decorators without the setting': [
    `${SERVER}class A { constructor(@inject() a: string) {} }\nfunction inject() { return () => {} }\nnew A('')`,
    /^server\.ts:3:\d+: Parameter decorators only work when experimental decorators are enabled \(You can enable .*"experimentalDecorators": true.*tsconfig\.json/,
  ],
}

describe.each(Object.entries(OF_THE_CODE))('%s', (_what, [source, line]) => {
  test.each([['start'], ['build']])('ends %s', async (command) => {
    const made = project({ 'server.ts': source })
    const { code, stderr } = await made.run(command, 'server.ts')
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)])
    expect(code).toBe(1)
  })
})

/** A bundle does not run the code, so that only the start finds these. */
const AT_THE_START: Record<string, [source: string, line: RegExp]> = {
  'something else': [`export const server = 'x'`, /^server\.ts exports a string as its server\. Export an McpServer/],
  'decorators of TypeScript before the standard': [
    `${SERVER}function logged(_: object, name: string, descriptor: PropertyDescriptor) { descriptor.value.named = name }
    class A { @logged run() {} }\nnew A()`,
    /^server\.ts does not start: Cannot read properties of undefined.*"experimentalDecorators": true in tsconfig\.json/,
  ],
  'a shape with something else': [
    `${SERVER}import { z } from 'zod'
    server.registerTool('add', { inputSchema: { a: z.number(), b: 'text' } as never }, () => ({ content: [] }))`,
    /^Tool "add": inputSchema.*"b" is no schema of a library/,
  ],
  'a schema of a library that is not known': [
    `${SERVER}const own = { '~standard': { version: 1, vendor: 'own', validate() {} } }
    server.registerTool('add', { inputSchema: own as never }, () => ({ content: [] }))`,
    /^Tool "add": inputSchema is a schema of own, which cannot write JSON Schema/,
  ],
  'two tools of one name': [
    `${SERVER}for (let i = 0; i < 2; i++) server.registerTool('twice', {}, () => ({ content: [] }))`,
    /^server\.ts does not start: server\.ts:3:\d+: .*"twice"/,
  ],
}

test.each(Object.entries(AT_THE_START))('%s ends start with one line', async (_what, [source, line]) => {
  const made = project({ 'server.ts': source })
  const { code, stderr } = await made.run('start', 'server.ts')
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)])
  expect(code).toBe(1)
})

test("an author's own exception has its stack, with lines of the source", async () => {
  const made = project({ 'server.ts': `${SERVER}function connect() {\n  throw new Error('no database')\n}\nconnect()` })
  const { code, stderr } = await made.run('start', 'server.ts')
  expect(stderr).toMatch(/Error: no database\n\s+at connect \(.*server\.ts:4:\d+\)/)
  expect(code).toBe(1)
})

test('a server of the official SDK that cannot be shared ends the start with one line', async () => {
  const made = project({
    'server.ts': `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
      export const server = new McpServer({ name: 'a', version: '1' })
      server.server.oninitialized = () => {}`,
  })
  symlinkSync(join(root, 'node_modules/@modelcontextprotocol'), join(made.folder, 'node_modules/@modelcontextprotocol'))
  const { code, stderr } = await made.run('start', 'server.ts')
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^The server sets oninitialized, .*Export a function/),
  ])
  expect(code).toBe(1)
})

test('a function that makes no server ends the start with one line', async () => {
  const made = project({ 'server.ts': `export default () => ({})` })
  const { code, stderr } = await made.run('start', 'server.ts')
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^What the factory returns is neither an McpServer/),
  ])
  expect(code).toBe(1)
})

test.each([['start'], ['build']])('two copies of the package end %s', async (command) => {
  const made = project({ 'server.ts': SERVER })
  const own = join(made.folder, 'node_modules/mcp-anywhere')
  rmSync(own)
  mkdirSync(own)
  made.write({
    'node_modules/mcp-anywhere/package.json':
      '{"name":"mcp-anywhere","version":"0.0.1","type":"module","exports":{".":"./index.js"}}',
    'node_modules/mcp-anywhere/index.js': 'export class McpServer {}',
  })
  const { code, stderr } = await made.run(command, 'server.ts')
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(
      /^server\.ts:1:27: There are two copies of mcp-anywhere: \S+, which the server .*npx mcp-anywhere/,
    ),
  ])
  expect(code).toBe(1)
})

test('a file that is not there ends every command', async () => {
  const made = project({})
  for (const command of ['start', 'build']) {
    expect(await made.run(command, 'src/serve.ts')).toMatchObject({ code: 1, stderr: 'There is no src/serve.ts.\n' })
  }
})

test('what a server is not has a sentence', () => {
  expect(problemOf(undefined)).toMatch(/^must export the server/)
  expect(problemOf(null)).toMatch(/^exports null as its server/)
  expect(problemOf({ registry: {}, registerTool() {} })).toMatch(/^exports a server of another copy/)
  expect(problemOf(new Map())).toMatch(/^exports an object of Map as its server/)
  expect(problemOf(Object.create(null))).toMatch(/^exports an object of no class/)
})

describe('without esbuild', () => {
  /** The command as it is where only the dependencies of production are installed. */
  const hidden = (made: Project) => {
    made.write({
      'no-esbuild.mjs': `import { registerHooks } from 'node:module'
        registerHooks({ resolve(name, context, next) {
          if (name !== 'esbuild') return next(name, context)
          throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
        } })`,
    })
    return { NODE_OPTIONS: `--import ${join(made.folder, 'no-esbuild.mjs')}` }
  }

  test('build says what to install', async () => {
    const made = project({ 'server.ts': SERVER })
    expect(await made.run('build', 'server.ts', hidden(made))).toMatchObject({
      code: 1,
      stderr: 'esbuild is missing, which bundles the server: npm install --save-dev esbuild\n',
    })
  })

  test('start runs what Node runs', async () => {
    const made = project({ 'server.ts': SERVER })
    await made.serve(['start', 'server.ts'], hidden(made))
    expect(await made.end('SIGTERM')).toEqual([0])
  })

  test.each([
    [
      `import { tool } from './tools'\n${SERVER}tool(server)`,
      /^server\.ts imports \.\/tools, and Node finds \.\/tools\.ts only by its whole name\. .*esbuild/,
    ],
    [
      `import { tool } from './tools.js'\n${SERVER}tool(server)`,
      /^server\.ts imports \.\/tools\.js, and Node finds \.\/tools\.ts only by its whole name\. .*esbuild/,
    ],
    [`enum Level { Low }\n${SERVER}`, /server\.ts:1.*Node only strips types\. Install esbuild/],
    [SERVER.replace('server', 'serve'), /^server\.ts must export the server/],
  ])('start says what Node does not run: %s', async (source, line) => {
    const made = project({ 'server.ts': source, 'tools.ts': 'export const tool = (_: unknown) => {}' })
    const { code, stderr } = await made.run('start', 'server.ts', hidden(made))
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)])
    expect(code).toBe(1)
  })

  test('an older Node is told apart, and every other error stays', () => {
    const error = (code: string) => Object.assign(new Error('x'), { code })
    expect(explained(error('ERR_UNKNOWN_FILE_EXTENSION')).message).toMatch(/does not run TypeScript\. Install esbuild/)
    const other = error('ERR_MODULE_NOT_FOUND')
    expect(explained(other)).toBe(other)
  })
})
