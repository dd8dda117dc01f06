/** Commands that serve read the variables of the project's .env. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Project } from './project.ts'

const SERVER = `import { McpServer } from 'mcp-anywhere'\nexport const server = new McpServer({ name: 'a', version: '1' })\n`

let project: Project
afterEach(() => project.remove())

test.each(['start', 'dev'])('%s takes the variables of .env', async (command) => {
  project = new Project({ 'server.ts': SERVER, '.env': 'HEARTBEAT_SECONDS=none\n' })
  const { code, stderr } = await project.run(command, 'server.ts')
  expect(stderr).toMatch(/^HEARTBEAT_SECONDS .*\n$/)
  expect(code).toBe(1)
})

test('a variable of the environment goes before that of .env', async () => {
  project = new Project({ 'server.ts': SERVER, '.env': 'PORT=none\n' })
  expect((await project.serve(['start', 'server.ts'])).pathname).toBe('/mcp')
})

test.each(['build', 'check'])('%s does not', async (command) => {
  project = new Project({ 'server.ts': SERVER })
  mkdirSync(join(project.folder, '.env'))
  const { stderr } = await project.run(command, command === 'build' ? 'server.ts' : 'http://127.0.0.1:9/mcp')
  expect(stderr).not.toContain('.env')
  rmSync(join(project.folder, '.env'), { recursive: true })
})

test.each(['start', 'dev'])('%s ends with one line where .env cannot be read', async (command) => {
  project = new Project({ 'server.ts': SERVER })
  mkdirSync(join(project.folder, '.env'))
  const { code, stderr } = await project.run(command, 'server.ts')
  expect(stderr).toMatch(/^\.env cannot be read: .*\n$/)
  expect(code).toBe(1)
})
