/** Ordinary TypeScript and ordinary packages, started and built by the commands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startLambda } from '../lambda/emulator.ts'
import { body, headers } from '../stateless/requests.ts'
import { initialize, post, type RpcMessage } from '../support/raw.ts'
import { DESCRIBED, ORDINARY } from './ordinary-project.ts'
import { Project } from './project.ts'

const projects: Project[] = []
afterEach(() => Promise.all(projects.splice(0).map((project) => project.remove())))

function project(files: Record<string, string>, packages?: string[]): Project {
  const made = new Project(files, packages)
  projects.push(made)
  return made
}

/** Without a session, whose requests would meet another environment of Lambda. */
async function textOf(url: URL, name: string, args = {}): Promise<string> {
  const request = { id: 1, method: 'tools/call', params: { name, arguments: args } }
  const answer = await post(url, body(request), { headers: headers(request) })
  return ((await answer.json()) as RpcMessage).result.content[0].text
}

const SERVER = `import { McpServer } from 'mcp-anywhere'\nexport const server = new McpServer({ name: 'a', version: '1' })\n`
/** A server with a tool \`said\`, whose answer is this expression. */
const saying = (expression: string, imports = '') => `${imports}\n${SERVER}
server.registerTool('said', {}, async () => ({ content: [{ type: 'text', text: String(${expression}) }] }))`

describe('a server with aliases, enums, decorators, parameter properties, missing endings and CommonJS', () => {
  const config = { 'mcp.config.ts': `export default { server: 'src/server.ts' }` }

  test('is started from its source', async () => {
    const made = project({ ...ORDINARY, ...config })
    const url = await made.serve(['start'])
    expect(await textOf(url, 'describe', { text: 'hello' })).toBe(DESCRIBED)
    expect(await made.end('SIGTERM')).toEqual([0])
  })

  test('is the same in the bundles of both platforms', async () => {
    const made = project({ ...ORDINARY, ...config })
    const { code, stdout, stderr } = await made.run('build')
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.trim().split('\n')
    expect(lines[0]).toBe('server  src/server.ts')
    for (const [i, name] of ['node/server', 'lambda/lambda', 'lambda/lambda-buffered'].entries()) {
      expect(lines[i + 1]).toMatch(
        new RegExp(`^${name}.mjs  endpoint \\d+ KB, server \\d+ KB, loaded when used \\d+ KB, total \\d+ KB$`),
      )
    }
    expect(await textOf(await made.serve(['dist/node/server.mjs']), 'describe', { text: 'hello' })).toBe(DESCRIBED)
    const lambda = await startLambda({ task: join(made.folder, 'dist/lambda') })
    try {
      expect(await textOf(lambda.url, 'describe', { text: 'hello' })).toBe(DESCRIBED)
    } finally {
      await lambda.stop()
    }
  })
})

test('a server may be the default export, and may be JavaScript or CommonJS', async () => {
  const made = project({
    'package.json': '{}',
    'one.ts': `${SERVER.replace('export const server', 'const server')}export default server`,
    'two.mjs': saying('1 + 1'),
    'three.cjs': `const { McpServer } = require('mcp-anywhere')
      const server = new McpServer({ name: 'three', version: '1' })
      server.registerTool('said', {}, () => ({ content: [{ type: 'text', text: '3' }] }))
      module.exports = { server }`,
  })
  await initialize(await made.serve(['start', 'one.ts']))
  expect(await textOf(await made.serve(['start', 'two.mjs']), 'said')).toBe('2')
  expect(await textOf(await made.serve(['start', 'three.cjs']), 'said')).toBe('3')
})

test('start has the settings of the environment, and those of production where there are none', async () => {
  const made = project({ 'server.ts': saying('process.env.NODE_ENV') })
  expect(await textOf(await made.serve(['start', 'server.ts']), 'said')).toBe('production')
  const url = await made.serve(['start', 'server.ts'], { NODE_ENV: 'test', HTTP_PATH: '/mcp' })
  expect(await textOf(url, 'said')).toBe('test')
})

describe('packages', () => {
  test('of an author are whole where the Redis client has a part of them, and express works in a bundle', async () => {
    const made = project(
      {
        'server.ts': saying(
          `[log.namespace, typeof debug('b').extend, express().get('env'), new Denque([1, 2]).toArray().length].join()`,
          `import debug from 'debug'\nimport express from 'express'\nimport Denque from 'denque'\nconst log = require('debug')('a')\nlog('written')`,
        ),
      },
      ['zod', 'debug', 'denque', 'express'],
    )
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(0)
    const url = await made.serve(['dist/node/server.mjs'], { DEBUG: 'a', NODE_ENV: 'production' })
    expect(await textOf(url, 'said')).toBe('a,function,production,2')
  })

  test('with their own ioredis get it as it is', async () => {
    const made = project({
      'server.ts': saying(
        `[Redis.old, commander.old].join()`,
        `import Redis from 'ioredis'\nimport commander from 'ioredis/built/utils/Commander.js'`,
      ),
      'node_modules/ioredis/package.json': '{"name":"ioredis","version":"3.0.0","main":"built/index.js"}',
      'node_modules/ioredis/built/index.js': 'exports.old = "client"',
      'node_modules/ioredis/built/utils/Commander.js': 'exports.old = "commander"',
    })
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(0)
    expect(await textOf(await made.serve(['dist/node/server.mjs']), 'said')).toBe('client,commander')
  })
})

describe('a package with native code', () => {
  const native = {
    'server.ts': saying('fast.version + slow.version', `import * as fast from 'fast'\nimport slow from 'slow'`),
    'node_modules/fast/package.json':
      '{"name":"fast","version":"1.2.3","main":"index.js","dependencies":{"bindings":"1"}}',
    'node_modules/fast/index.js': `exports.version = require('fs').existsSync(__dirname + '/fast.node') ? 'fast' : 'lost'`,
    'node_modules/fast/fast.node': '',
    'node_modules/slow/package.json': '{"name":"slow","version":"1.0.0","main":"index.js"}',
    'node_modules/slow/index.js': `exports.version = require('inner').version`,
    'node_modules/slow/node_modules/inner/package.json': '{"name":"inner","version":"4.5.6","gypfile":true}',
    'node_modules/slow/node_modules/inner/index.js': `exports.version = ' and inner'`,
  }

  test('is loaded from where it is by start', async () => {
    const made = project(native)
    expect(await textOf(await made.serve(['start', 'server.ts']), 'said')).toBe('fast and inner')
  })

  test('is named with what to install beside the bundle, and is loaded from there', async () => {
    const made = project(native)
    const { code, stdout } = await made.run('build', 'server.ts')
    expect(code).toBe(0)
    expect(stdout).toContain(
      'Not in the bundle, because of native code: fast 1.2.3, inner 4.5.6. On the platform that runs it: npm install --omit=dev --prefix dist/node\n',
    )
    expect(stdout).toContain('npm install --omit=dev --prefix dist/lambda --os=linux --cpu=arm64 --libc=glibc\n')
    expect(JSON.parse(readFileSync(join(made.folder, 'dist/node/package.json'), 'utf8'))).toEqual({
      private: true,
      dependencies: { fast: '1.2.3', inner: '4.5.6' },
    })
    const beside = join(made.folder, 'dist/node/node_modules')
    made.write({
      'dist/node/node_modules/fast/index.js': `exports.version = 'beside'`,
      'dist/node/node_modules/inner/index.js': `exports.version = ' the bundle'`,
    })
    expect(await textOf(await made.serve(['dist/node/server.mjs']), 'said')).toBe('beside the bundle')

    // What was installed stays for the next build, and goes with the last package that needs it.
    await made.run('build', 'server.ts', '--target', 'node')
    expect(existsSync(beside)).toBe(true)
    made.write({ 'server.ts': saying('1') })
    await made.run('build', 'server.ts', '--target', 'node')
    expect(existsSync(beside)).toBe(false)
    expect(existsSync(join(made.folder, 'dist/node/package.json'))).toBe(false)
  })

  test('whose file is named by its path is copied, with a line that says for which platform', async () => {
    const made = project({
      'server.ts': saying('require("./native/answer.node").length'),
      'native/answer.node': 'no real module',
    })
    const { stdout } = await made.run('build', 'server.ts', '--target', 'node')
    expect(stdout).toMatch(/^answer\.node of .*answer\.node is native code, and was copied as it is: for \w+-\w+\.$/m)
    const copies = readdirSync(join(made.folder, 'dist/node')).filter((name) => name.endsWith('.node'))
    expect(copies).toEqual([expect.stringMatching(/^answer-\w+\.node$/)])
  })
})

describe('the folder of a bundle', () => {
  test('has nothing of the build before', async () => {
    const made = project({
      'server.ts': saying('(await import("./more.ts")).more'),
      'more.ts': 'export const more = 1',
    })
    await made.run('build', 'server.ts', '--target', 'node')
    const before = readdirSync(join(made.folder, 'dist/node'))
    made.write({ 'more.ts': 'export const more = 22' })
    await made.run('build', 'server.ts', '--target', 'node')
    const after = readdirSync(join(made.folder, 'dist/node'))
    expect(after).toHaveLength(before.length)
    expect(after).not.toEqual(before)
  })

  test('is not one with other files, which stay', async () => {
    const made = project({ 'server.ts': SERVER, 'src/node/mine.ts': '' })
    expect(await made.run('build', 'server.ts', '--out', 'src')).toMatchObject({
      code: 1,
      stderr: 'src/node has mine.ts, which no build has written. Name another folder: --out dist\n',
    })
    expect(existsSync(join(made.folder, 'src/node/mine.ts'))).toBe(true)
  })

  test('is as it was after a build that fails', async () => {
    const made = project({ 'server.ts': saying('1') })
    await made.run('build', 'server.ts', '--target', 'node')
    const before = readFileSync(join(made.folder, 'dist/node/server.mjs'), 'utf8')
    made.write({ 'server.ts': 'export const other = 1' })
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(1)
    made.write({ 'server.ts': 'export const = 1' })
    expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(1)
    expect(readFileSync(join(made.folder, 'dist/node/server.mjs'), 'utf8')).toBe(before)
  })
})
