/** The option `task` of a tool: what it may be, and what clients of each revision see of it. */
import { describe, expect, test } from 'vitest'
import { resultText } from '../../lib/protocol/jsonrpc.ts'
import { STATELESS_REVISION, SUPPORTED_REVISIONS } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import type { TaskConfig } from '../../lib/server/registry/config.ts'
import { fakeChannel } from './fake-channel.ts'

const OFFER = { listChanged: true, subscribe: true, logging: true, tasks: true }
const LONG = { list: {}, cancel: {}, requests: { tools: { call: {} } } }

function serving(task?: TaskConfig) {
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

test('the policy of a tool has its rules, and the dispatcher says that there are some', () => {
  const dispatcher = serving({ support: 'optional', start: 'handler', ttl: 60_000, poll: 5_000 })
  expect(dispatcher.tasks).toBe(true)
  expect(dispatcher.policyOf('tools/call', { name: 'work' }).task).toEqual({
    support: 'optional',
    start: 'handler',
    ttl: 60_000,
    poll: 5_000,
  })
  expect(serving().tasks).toBe(false)
  expect(serving().policyOf('tools/call', { name: 'work' }).task).toBeUndefined()
})

describe('a wrong option stops the start with one line:', () => {
  test.each<[unknown, string]>([
    ['always', 'Tool "work".task must be "optional" or "required", or an object with that as "support".'],
    [true, 'Tool "work".task must be "optional", "required" or an object.'],
    [{ support: 'never' }, 'Tool "work".task must be "optional" or "required", or an object with that as "support".'],
    [{ support: 'optional', start: 'later' }, 'Tool "work".task.start must be "call" or "handler".'],
    [
      { support: 'optional', ttl: 8 * 86_400_000 },
      'Tool "work".task.ttl must be from 1000 to 604800000 ms, not 691200000.',
    ],
    [{ support: 'optional', poll: 10 }, 'Tool "work".task.poll must be from 1000 to 10000 ms, not 10.'],
    [{ support: 'optional', pol: 1 }, 'Tool "work".task has no member pol; there are support, start, ttl, poll.'],
  ])('%o', (task, line) => {
    expect(() => serving(task as TaskConfig)).toThrow(new TypeError(line))
  })
})
