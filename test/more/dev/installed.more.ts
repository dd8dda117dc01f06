/** `mcp-anywhere dev` of the installed package. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { sdk1 } from '../../cli/dev/clients.ts'
import { Dev, SERVES, serverSource } from '../../cli/dev/project.ts'
import { project } from '../support/project.ts'

/** `dev` in a project that has these packages of the repository, too. */
function startDev(folder: string, packages: readonly string[], redis: boolean): Promise<Dev> {
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  for (const name of packages) {
    const path = join(folder, 'node_modules', name)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(realpathSync(join(root, 'node_modules', name)), path)
  }
  return Dev.start({ folder, temporary, cli: 'node_modules/mcp-anywhere/dist/cli/main.js' }, { redis })
}

/** Both instances answer. The balancer may give two requests in a row to one, where another request comes between them. */
async function expectTwo(client: Awaited<ReturnType<typeof sdk1>>): Promise<void> {
  const pids = new Set<unknown>()
  for (let i = 0; i < 20 && pids.size < 2; i++) pids.add((await client.call('who')).pid)
  expect(pids.size).toBe(2)
}

test.each([
  { place: 'memory', redis: false },
  { place: 'Redis', redis: true },
])('the installed package serves a project, and its changes, with sessions in $place', async ({ redis }) => {
  const version = (name: string) => `export const version: string = '${name}'\n`
  const folder = await project({ files: { 'src/server.ts': serverSource(), 'src/version.ts': version('v1') } })
  const dev = await startDev(folder, ['esbuild', 'zod'], redis)
  try {
    const client = await sdk1(dev.url)
    await expectTwo(client)
    expect(await client.call('ask')).toMatchObject({ version: 'v1', answer: 7 })
    await dev.after(() => writeFileSync(join(folder, 'src/version.ts'), version('v2')), SERVES)
    expect(await client.call('ask')).toMatchObject({ version: 'v2', answer: 7 })
    await client.close()
  } finally {
    await dev.stop()
  }
})

/** As its author has written it, but for the transport. */
const OFFICIAL = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'

const server = new McpServer({ name: 'cities', version: '1.0.0' })
const result = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] })
server.registerTool('who', {}, async () => result({ version: 'v1', pid: process.pid }))
server.registerTool('ask', { inputSchema: {} }, async () => {
  const { content } = await server.server.elicitInput({
    message: 'Which number?',
    requestedSchema: { type: 'object', properties: { number: { type: 'number' } } },
  })
  return result({ version: 'v1', pid: process.pid, answer: content?.number })
})
export default server
`

test('the installed package serves a server of the official SDK by two instances', async () => {
  const folder = await project({ files: { 'src/server.ts': OFFICIAL } })
  const dev = await startDev(folder, ['esbuild', '@modelcontextprotocol/sdk'], true)
  try {
    const client = await sdk1(dev.url)
    await expectTwo(client)
    expect(await client.call('ask')).toMatchObject({ answer: 7 })
    await client.close()
  } finally {
    await dev.stop()
  }
})
