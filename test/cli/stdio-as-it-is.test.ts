/** `mcp-anywhere start --stdio` without esbuild: Node runs the file of the server. */
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterEach, expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { eventually } from '../support/eventually.ts'
import { Project } from './project.ts'

const SERVER = `import { McpServer } from 'mcp-anywhere'
console.log('while it is loaded')
export const server = new McpServer({ name: 'a', version: '1' })
server.registerTool('said', {}, () => {
  console.log('while it runs')
  return { content: [{ type: 'text' as const, text: 'here' }] }
})
`

let project: Project
afterEach(() => project.remove())

const AS_IT_IS = `await (await import(${JSON.stringify(join(root, 'lib/cli/start/as-it-is.ts'))})).serveAsItIs(process.argv[1], { stdio: true })`

test('where there is no esbuild, the file is served as it is, and only messages are on stdout', async () => {
  project = new Project({ 'server.ts': SERVER })
  const client = new Client({ name: 'host', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--input-type=module', '-e', AS_IT_IS, join(project.folder, 'server.ts')],
    cwd: project.folder,
    stderr: 'pipe',
  })
  let errors = ''
  transport.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const faults: Error[] = []
  client.onerror = (error) => faults.push(error)
  await client.connect(transport)
  const { content } = await client.callTool({ name: 'said' })
  expect(content).toEqual([{ type: 'text', text: 'here' }])
  for (const line of ['while it is loaded', 'while it runs']) {
    await eventually(async () => errors.includes(`${line}\n`) || undefined)
  }
  expect(faults).toEqual([])
  await client.close()
})
