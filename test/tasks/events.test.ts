/** What events, the log, spans and metrics say of tasks: their names, their legs, and legs that another instance took over. */
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { openLog } from '../../lib/platform/log.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { TaskKey, TaskStore } from '../../lib/store/tasks.ts'
import { nameOf } from '../../lib/tasks/names.ts'
import { recordEvents } from '../../lib/telemetry/metrics/record.ts'
import { type Recorded, record } from '../events/record.ts'
import { headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'
import { startSdk } from '../telemetry/sdk.ts'

const PREFIX = 'io.modelcontextprotocol/'
const META = {
  [`${PREFIX}protocolVersion`]: '2026-07-28',
  [`${PREFIX}clientCapabilities`]: { elicitation: { form: {} }, extensions: { [`${PREFIX}tasks`]: {} } },
}
const HELD = { lease: 60_000, backOff: [0], patience: 60_000 }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function server(): McpServer {
  const made = new McpServer({ name: 'watched', version: '1' })
  made.registerTool('asks', { task: 'required', durable: true }, async (ctx) => {
    const { action } = await ctx.elicit('Well?', { type: 'object', properties: {} }, { key: 'k' })
    return { content: [{ type: 'text', text: action }] }
  })
  made.registerTool('quick', { task: 'required', durable: true }, () => ({ content: [{ type: 'text', text: 'done' }] }))
  return made
}

let ids = 0
async function send(endpoint: Endpoint, method: string, params: Record<string, unknown>) {
  const headers = {
    ...statelessHeaders({ method }),
    ...{ 'content-type': 'application/json', accept: ACCEPT_BOTH, 'mcp-name': String(params.taskId ?? params.name) },
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: ++ids, method, params: { ...params, _meta: META } })
  const response = await endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
  // A slow machine has it on a stream.
  const answered = await response.text()
  const json = answered.startsWith('{') ? answered : (answered.split('data: ').at(-1) ?? '')
  const answer = JSON.parse(json) as { result?: Record<string, string> }
  if (!answer.result) throw new Error(JSON.stringify(answer))
  return answer.result
}

interface Watched {
  endpoint: Endpoint
  tasks: TaskStore
  recorded: Recorded
  lines(): Promise<Record<string, unknown>[]>
  counted: unknown[][]
}

async function watched(): Promise<Watched> {
  const store = memoryStore()
  const endpoint = createEndpoint(server(), { store, allowedHosts: '*', onError: () => {} })
  const recorded = record()
  const counted: unknown[][] = []
  const parts: string[] = []
  const log = openLog({ requests: true, out: { write: (part) => parts.push(part) } })
  const sink = { count: (...count: unknown[]) => void counted.push(count), observe: () => {} }
  ends.push(
    () => endpoint.close(),
    recorded.stop,
    () => log.close(),
    recordEvents(sink),
  )
  return {
    ...{ endpoint, recorded, counted, tasks: (await store.tasks?.()) as TaskStore },
    async lines() {
      await setImmediate()
      const written = parts.join('').split('\n')
      return written.filter((line) => line !== '').map((line) => JSON.parse(line))
    },
  }
}

/** A task of the tool `quick` whose run was on the instance `dead`. */
async function lost(tasks: TaskStore, retries: number): Promise<TaskKey> {
  const key = { scope: `lost${++ids}`, id: 'task' }
  const request = JSON.stringify({
    ...{ method: 'tools/call', params: { name: 'quick', arguments: {} }, requestId: 7, revision: '2026-07-28' },
    ...{ client: { capabilities: {}, info: undefined }, principal: '' },
  })
  await tasks.create(
    key,
    { owner: 'dead:run', request, ttl: 60_000, poll: 2_000, retries },
    { ...HELD, lease: -10_000 },
  )
  return key
}

test('each leg of a task has its events, a line and a count, with the name of the task', async () => {
  const { endpoint, recorded, lines, counted } = await watched()
  const { taskId = '' } = await send(endpoint, 'tools/call', { name: 'asks', arguments: {} })
  const first = await recorded.next('call', ({ leg }) => leg === 1)
  const task = first.task as string
  expect(first).toMatchObject({ kind: 'tool', name: 'asks', run: 'first', outcome: 'input_required' })
  // It names the record, and is no id by which a client could ask for the task.
  expect(task).not.toContain(taskId)
  await send(endpoint, 'tasks/update', { taskId, inputResponses: { k: { action: 'accept', content: {} } } })
  const second = await recorded.next('call', ({ leg }) => leg === 2)
  expect(second).toMatchObject({ task, name: 'asks', run: 'wake', outcome: 'ok' })
  // The requests are those of the creation and of the answer: neither has the call.
  for (const { call } of recorded.of('request')) expect(call).toBeUndefined()
  expect(recorded.of('takeover')).toEqual([])
  expect((await lines()).filter((line) => line.task !== undefined)).toMatchObject([
    { level: 'INFO', tool: 'asks', outcome: 'input_required', task, leg: 1 },
    { level: 'INFO', tool: 'asks', outcome: 'ok', run: 'wake', task, leg: 2 },
  ])
  expect(counted.filter(([name]) => name === 'legs')).toEqual([
    ['legs', { tool: 'asks', run: 'first' }],
    ['legs', { tool: 'asks', run: 'wake' }],
  ])
})

test('a leg whose run was lost is taken over, which has an event, a warning and a count', async () => {
  const { endpoint, recorded, tasks, lines, counted } = await watched()
  const key = await lost(tasks, 3)
  await expect.poll(() => endpoint.runTask({ task: nameOf(key), leg: 1 })).toBe('nothing')
  const about = { task: nameOf(key), leg: 1 }
  expect(recorded.of('takeover')).toEqual([
    {
      ...{ instance: endpoint.instanceId, from: 'dead', id: 7, method: 'tools/call', outcome: 'rerun', sent: 0 },
      ...about,
    },
  ])
  expect(recorded.of('call')).toMatchObject([{ ...about, run: 'takeover', outcome: 'ok' }])
  expect(await lines()).toMatchObject([
    { level: 'WARNING', message: 'A leg of a task was taken over.', from: 'dead', ...about },
    { level: 'INFO', run: 'takeover', ...about },
  ])
  expect(counted).toContainEqual(['takeovers', { outcome: 'rerun' }])
  expect(counted).toContainEqual(['legs', { tool: 'quick', run: 'takeover' }])
})

test('a task that fails since its run was lost has an event and a warning', async () => {
  const { endpoint, recorded, tasks, lines } = await watched()
  const key = await lost(tasks, 0)
  await expect.poll(() => endpoint.runTask({ task: nameOf(key), leg: 1 })).toBe('nothing')
  expect(recorded.of('takeover')).toMatchObject([{ from: 'dead', outcome: 'failed', task: nameOf(key), leg: 1 }])
  expect(recorded.of('call')).toEqual([])
  expect(await lines()).toMatchObject([
    { level: 'WARNING', message: expect.stringMatching(/^A task has failed/), task: nameOf(key), outcome: 'failed' },
  ])
})

test('the spans of legs have the name of the task', async () => {
  const sdk = startSdk()
  ends.push(() => sdk.stop())
  const { endpoint, recorded } = await watched()
  const { taskId = '' } = await send(endpoint, 'tools/call', { name: 'asks', arguments: {} })
  const { task } = await recorded.next('call', ({ leg }) => leg === 1)
  await send(endpoint, 'tasks/update', { taskId, inputResponses: { k: { action: 'accept', content: {} } } })
  await recorded.next('call', ({ leg }) => leg === 2)
  const attributes = sdk.spans().flatMap((span) => ('mcp_anywhere.task' in span.attributes ? [span.attributes] : []))
  expect(attributes).toMatchObject([
    { 'mcp_anywhere.task': task, 'mcp_anywhere.leg': 1, 'gen_ai.tool.name': 'asks' },
    { 'mcp_anywhere.task': task, 'mcp_anywhere.leg': 2, 'mcp_anywhere.run': 'wake' },
  ])
})
