/** Modules that export servers of the official SDK, started and built by the commands. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { Project } from '../../cli/project.ts'

let project: Project
afterEach(() => project.remove())

function made(source: string): Project {
  project = new Project({ 'server.ts': source })
  symlinkSync(
    join(root, 'node_modules/@modelcontextprotocol'),
    join(project.folder, 'node_modules/@modelcontextprotocol'),
  )
  return project
}

const V1 = `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'`
const V2 = `import { McpServer } from '@modelcontextprotocol/server'`
const MAKE = `const make = () => {
  const server = new McpServer({ name: 'cities', version: '1' })
  server.registerTool('hello', { description: 'Says hello' }, async () => ({ content: [{ type: 'text', text: 'hello' }] }))
  return server
}`

async function tools(url: URL): Promise<string[]> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(url))
  const { tools } = await client.listTools()
  expect((await client.callTool({ name: 'hello' })).content).toEqual([{ type: 'text', text: 'hello' }])
  await client.close()
  return tools.map(({ name }) => name)
}

test.each([
  ['a server of 1.x', `${V1}\n${MAKE}\nexport const server = make()`],
  ['a server of 2.x', `${V2}\n${MAKE}\nexport default make()`],
  ['a function that makes one', `${V1}\n${MAKE}\nexport default make\nexport const serving = { instances: 'session' }`],
])('start serves %s', async (_what, source) => {
  expect(await tools(await made(source).serve(['start', 'server.ts']))).toEqual(['hello'])
})

test('a build serves a server of the official SDK', async () => {
  const { code, stderr } = await made(`${V1}\n${MAKE}\nexport const server = make()`).run('build', 'server.ts')
  expect([code, stderr]).toEqual([0, ''])
  expect(await tools(await project.serve(['dist/node/server.mjs']))).toEqual(['hello'])
})
