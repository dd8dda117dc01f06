/** docs/alternatives.md says what the servers of other packages do today, in the versions that it names. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { type Compared, compare, SERVERS } from './compare.ts'
import { type Comparison, worded } from './comparison.ts'
import { layOut, start } from './servers.ts'

const { servers }: Comparison = JSON.parse(readFileSync(join(root, 'docs/alternatives.json'), 'utf8'))

let folder: string
beforeAll(async () => {
  folder = await layOut()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(SERVERS)('$name does what the table says', async (compared) => {
  const recorded = servers.find(({ name }) => name === compared.name)
  for (const [revision, outcomes] of Object.entries(await compare(compared))) {
    const words = (found: object = {}) => Object.entries(found).map(([step, text]) => [step, worded(text)])
    expect({ revision, found: words(outcomes) }).toEqual({
      revision,
      found: words(recorded?.[revision as '2025-11-25']),
    })
  }
})

const CLIENT = { name: 'compared', version: '1.0.0' }
const getTask = (params: object) => ({
  jsonrpc: '2.0',
  id: 2,
  method: 'tasks/get',
  params: { taskId: 'unknown', ...params },
})
/** Of 2026-07-28: the protocol's revision, the client, and that it has tasks. */
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
}
const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: CLIENT },
})

/** The code of JSON-RPC with which the server answers `tasks/get`. */
async function codeOf({ program, env }: Compared, revision: string): Promise<number> {
  const { child, url } = await start(folder, program, { ...env })
  const post = (body: object, headers: Record<string, string> = {}) =>
    fetch(new URL('/mcp', url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify(body),
    })
  try {
    const version = { 'MCP-Protocol-Version': revision }
    const stateless = { ...version, 'Mcp-Method': 'tasks/get', 'Mcp-Name': 'unknown' }
    const inSession = async () => {
      const id = (await post(initialize(revision))).headers.get('mcp-session-id') ?? ''
      return post(getTask({}), { ...version, 'Mcp-Session-Id': id })
    }
    const response = await (revision === '2026-07-28' ? post(getTask({ _meta: ENVELOPE }), stateless) : inSession())
    const [, code] = /"code":(-?\d+)/.exec(await response.text()) ?? []
    return Number(code)
  } finally {
    child.kill('SIGKILL')
  }
}

test.each([
  ['SDK 2.x, createMcpHandler', '2026-07-28'],
  ['mcp-handler', '2026-07-28'],
  ['FastMCP, sessions', '2025-11-25'],
])('%s has no tasks for a client of %s', async (name, revision) => {
  const compared = SERVERS.find((server) => server.name === name)
  expect(await codeOf(compared as Compared, revision)).toBe(-32_601)
})
