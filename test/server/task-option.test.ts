/** The option `task` of a tool: what it may be, and what clients of each revision see of it. */
import { expect, test } from 'vitest'
import { resultText } from '../../lib/protocol/jsonrpc.ts'
import { STATELESS_REVISION, SUPPORTED_REVISIONS } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { fakeChannel } from './fake-channel.ts'

const OFFER = { listChanged: true, subscribe: true, logging: true, tasks: true }
const LONG = { list: {}, cancel: {}, requests: { tools: { call: {} } } }

function serving(task?: 'optional' | 'required') {
  const server = new McpServer({ name: 's', version: '1' })
  server.registerTool('work', { ...(task && { task }) }, () => ({ content: [] }))
  return dispatcherOf(server)
}

test.each(SUPPORTED_REVISIONS)('%s declares tasks as it has them', (revision) => {
  const { capabilities } = serving('optional').describe(revision, OFFER)
  const has = JSON.parse(JSON.stringify(capabilities))
  expect(has.tasks).toEqual(revision === '2025-11-25' ? LONG : undefined)
  expect(has.extensions).toEqual(revision === STATELESS_REVISION ? { 'io.modelcontextprotocol/tasks': {} } : undefined)
})

test('neither is declared without such a tool, and where the store keeps no tasks', () => {
  for (const revision of ['2025-11-25', STATELESS_REVISION] as const) {
    for (const { capabilities } of [
      serving().describe(revision, OFFER),
      serving('required').describe(revision, { ...OFFER, tasks: false }),
    ]) {
      expect(JSON.parse(JSON.stringify(capabilities))).not.toHaveProperty('tasks')
      expect(capabilities.extensions).toBeUndefined()
    }
  }
})

test.each(SUPPORTED_REVISIONS)('%s lists the support of a tool where it has the member', async (revision) => {
  const result = await serving('required').dispatch('tools/list', undefined, fakeChannel({ revision }))
  const [tool] = JSON.parse(resultText(1, result)).result.tools
  expect(tool.execution).toEqual(revision === '2025-11-25' ? { taskSupport: 'required' } : undefined)
})
