/** Ordinary TypeScript, started and built by the commands. `test/more/build` has what concerns packages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startLambda } from '../lambda/emulator.ts'
import { initialize } from '../support/raw.ts'
import { DESCRIBED, ORDINARY } from './ordinary-project.ts'
import { projectsOfTests } from './project.ts'
import { SERVER, saying, textOf } from './saying.ts'

const project = projectsOfTests()

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
