/** Schemas of libraries in bundles: each has the converters that its server needs, and no other. */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Project, projectsOfTests } from '../../cli/project.ts'
import { startLambda } from '../../lambda/emulator.ts'
import { body, headers } from '../../stateless/requests.ts'
import { post, type RpcMessage } from '../../support/raw.ts'

const project = projectsOfTests()

/** A server whose tool has these fields. */
const server = (imports: string, fields: string) => `import { McpServer } from 'mcp-anywhere'
${imports}
export const server = new McpServer({ name: 'schemas', version: '1' })
server.registerTool('tool', { inputSchema: ${fields} }, (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }))`

async function request(url: URL, method: string, params = {}) {
  const message = { id: 1, method, params }
  const answer = await post(url, body(message), { headers: headers(message) })
  return ((await answer.json()) as RpcMessage).result
}

async function expectServed(url: URL): Promise<void> {
  const { tools } = await request(url, 'tools/list')
  expect(tools[0].inputSchema).toMatchObject({
    type: 'object',
    properties: { word: { type: 'string', description: 'A word' }, at: { type: 'string', format: 'date-time' } },
    required: ['word'],
  })
  const fits = await request(url, 'tools/call', { name: 'tool', arguments: { word: 'x', at: '2026-03-01' } })
  expect(fits.content[0].text).toBe('{"word":"x","at":"2026-03-01T00:00:00.000Z"}')
  const misfits = await request(url, 'tools/call', { name: 'tool', arguments: { word: 1 } })
  expect(misfits).toMatchObject({ isError: true })
  expect(misfits.content[0].text).toContain('word: ')
}

const filesOf = (made: Project) => {
  const folder = join(made.folder, 'dist/node')
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
}

test.each([
  [
    'zod/mini',
    ['zod'],
    server(
      `import * as z from 'zod/mini'`,
      `{ word: z.string().check(z.describe('A word')), at: z.optional(z.date()) }`,
    ),
  ],
  [
    'zod 3',
    ['zod', 'zod-to-json-schema'],
    server(`import { z } from 'zod/v3'`, `z.object({ word: z.string().describe('A word'), at: z.date().optional() })`),
  ],
  [
    'valibot',
    ['valibot', '@valibot'],
    server(
      `import * as v from 'valibot'`,
      `v.object({ word: v.pipe(v.string(), v.description('A word')), at: v.optional(v.date()) })`,
    ),
  ],
  [
    'several libraries in one shape',
    ['zod', 'zod-to-json-schema'],
    server(
      `import { z } from 'zod'\nimport { z as z3 } from 'zod/v3'`,
      `{ word: z.string().describe('A word'), at: z3.date().optional() }`,
    ),
  ],
] as [string, string[], string][])(
  'a server with %s is served from the bundle of each platform',
  async (_name, packages, source) => {
    const made = project({ 'server.ts': source }, packages)
    const { code, stderr } = await made.run('build', 'server.ts')
    expect([code, stderr]).toEqual([0, ''])
    // Nothing is beside the bundle that has it.
    const moved = project({}, [])
    cpSync(join(made.folder, 'dist'), join(moved.folder, 'dist'), { recursive: true })
    await expectServed(await moved.serve(['dist/node/server.mjs']))
    const lambda = await startLambda({ task: join(moved.folder, 'dist/lambda') })
    try {
      await expectServed(lambda.url)
    } finally {
      await lambda.stop()
    }
  },
)

test('a server in CommonJS has the converter of its own copy', async () => {
  const source = `const { McpServer } = require('mcp-anywhere')
    const z = require('zod/mini')
    const server = new McpServer({ name: 'schemas', version: '1' })
    const inputSchema = { word: z.string().check(z.describe('A word')), at: z.optional(z.date()) }
    server.registerTool('tool', { inputSchema }, (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }))
    module.exports = { server }`
  const made = project({ 'package.json': '{}', 'server.cjs': source }, ['zod'])
  await expectServed(await made.serve(['start', 'server.cjs']))
})

test('a bundle whose schemas need no converter has none', async () => {
  const made = project({ 'server.ts': server(`import { z } from 'zod'`, '{ word: z.string() }') }, [
    'zod',
    'zod-to-json-schema',
    'valibot',
    '@valibot',
  ])
  await made.run('build', 'server.ts', '--target', 'node')
  expect(filesOf(made)).not.toContain('zod.push(')
  expect(filesOf(made)).not.toContain('zodToJsonSchema')
})

test('without its converter a server does not start, and the error has the command that installs it', async () => {
  const source = server(`import { z } from 'zod/v3'`, '{ word: z.string() }')
  const made = project({ 'server.ts': source }, ['zod'])
  expect((await made.run('build', 'server.ts', '--target', 'node')).code).toBe(0)
  const { status, stderr } = spawnSync(process.execPath, ['dist/node/server.mjs'], {
    cwd: made.folder,
    encoding: 'utf8',
  })
  expect(status).not.toBe(0)
  expect(stderr).toContain(
    'Tool "tool": inputSchema: "word" is a schema of zod 3, which zod-to-json-schema writes, and that is not installed. ' +
      'Run npm install zod-to-json-schema@3.25, or give McpServer the option toJsonSchema.',
  )
})
