/** `mcp-anywhere start --stdio`: a local host starts the command, and stdout has nothing but messages. */
import { Client as Client2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { CLI, Project } from './project.ts'

const project = new Project({
  'src/server.ts': `
    import { McpServer } from 'mcp-anywhere'
    console.log('a line of the module')
    export const server = new McpServer({ name: 'local', version: '1' })
    server.registerTool('where', {}, () => {
      console.log('a line of the tool')
      return { content: [{ type: 'text', text: 'here' }] }
    })`,
  'wrong.ts': 'export const other = 1',
})
afterAll(() => project.remove())

const parameters = {
  command: process.execPath,
  args: [CLI, 'start', 'src/server.ts', '--stdio'],
  cwd: project.folder,
  stderr: 'pipe' as const,
}

test.each([
  ['1.x', () => [new Client1({ name: 'one', version: '1' }), new Transport1(parameters)] as const],
  [
    '2.x',
    () =>
      [
        new Client2({ name: 'two', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
        new Transport2(parameters),
      ] as const,
  ],
])('serves the official client %s', async (_, connect) => {
  const [client, transport] = connect()
  let errors = ''
  transport.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  await client.connect(transport as never)
  expect(await client.callTool({ name: 'where', arguments: {} })).toMatchObject({ content: [{ text: 'here' }] })
  for (const line of ['a line of the module\n', 'a line of the tool\n']) {
    await eventually(async () => errors.includes(line) || undefined)
  }
  await client.close()
})

test('a file without a server ends it with one line on stderr', async () => {
  const { code, stdout, stderr } = await project.run('start', 'wrong.ts', '--stdio')
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^wrong\.ts exports other.*\n$/)
})
