/**
 * Tasks of 2025-11-25, through three instances with round robin. The rules, in the order of the specification's chapters on tasks:
 * 1 capability, 2 what tools support, 3 without the capability (unused.test.ts), 4 creating, 5 getting, and the result, 6 listing,
 * 7 cancelling, 8 unknown ids and errors of tools, 9 input, 10 status and progress, 11 nothing of it in the other revisions.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SESSION_REVISIONS } from '../../lib/protocol/revisions.ts'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { call, EventReader, initialize, post, postStream, type RawSession, request } from '../support/raw.ts'

vi.setConfig({ testTimeout: 60_000 })

const RELATED = 'io.modelcontextprotocol/related-task'

let fleet: Fleet
let session: RawSession
beforeAll(async () => {
  fleet = await startFleet({}, { module: '../fixtures/session-tasks.ts' })
  session = await initialize(fleet.url)
})
afterAll(() => fleet.stop())

let ids = 0
const ask = (method: string, params: object, by = session) => call(fleet.url, by, request(++ids, method, params))
const start = async (name: string, args: object = {}, task: object = {}, by = session) =>
  (await ask('tools/call', { name, arguments: args, task }, by)).result.task
const get = async (taskId: string, by = session) => (await ask('tasks/get', { taskId }, by)).result
const open = (gate: string) => ask('tools/call', { name: 'open', arguments: { gate } })
const ended = (taskId: string) =>
  eventually(async () => {
    const task = await get(taskId)
    return ['completed', 'failed', 'cancelled'].includes(task.status) ? task : undefined
  })

describe('rules 1, 2, 11: the capability', () => {
  test.each(SESSION_REVISIONS)('%s has it, and the methods, where it has tasks', async (revision) => {
    const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const response = await post(fleet.url, request(0, 'initialize', params))
    const { capabilities } = ((await response.json()) as { result: { capabilities: object } }).result
    const has = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }
    if (revision === '2025-11-25') expect(capabilities).toMatchObject(has)
    else expect(capabilities).not.toHaveProperty('tasks')
    const by = await initialize(fleet.url, revision)
    const { result, error } = await ask('tasks/list', {}, by)
    if (revision === '2025-11-25') expect(result).toEqual({ tasks: [] })
    else expect(error?.code).toBe(-32601)
    // A client of a revision without tasks sends a member that means nothing.
    if (revision === '2025-11-25') return
    const plain = await ask('tools/call', { name: 'plain', arguments: {}, task: {} }, by)
    expect(plain.result.content[0].text).toBe('plain')
  })

  test('tools say whether they run as tasks, and are called accordingly', async () => {
    const { tools } = (await ask('tools/list', {})).result as { tools: { name: string; execution?: object }[] }
    const support = Object.fromEntries(tools.map(({ name, execution }) => [name, execution]))
    expect(support).toMatchObject({
      plain: undefined,
      optional: { taskSupport: 'optional' },
      required: { taskSupport: 'required' },
    })
    expect((await ask('tools/call', { name: 'plain', arguments: {}, task: {} })).error?.code).toBe(-32601)
    expect((await ask('tools/call', { name: 'required', arguments: {} })).error?.code).toBe(-32601)
    expect((await ask('tools/call', { name: 'nothing', arguments: {}, task: {} })).error?.code).toBe(-32602)
    expect((await ask('tools/call', { name: 'failing', arguments: {} })).result.isError).toBe(true)
  })
})

describe('rules 4, 5, 8: a task', () => {
  test('is answered as a nested task that any instance has, with its real lifetime', async () => {
    const task = await start('optional', { gate: 'nested' }, { ttl: 90_000 })
    expect(task).toMatchObject({ status: 'working', ttl: 90_000, pollInterval: expect.any(Number) })
    expect(task.taskId).toMatch(/^[\w-]{22,}$/)
    for (const member of ['createdAt', 'lastUpdatedAt']) expect(new Date(task[member]).toISOString()).toBe(task[member])
    for (let i = 0; i < 3; i++) {
      const { result } = await call(fleet.at(i), session, request(++ids, 'tasks/get', { taskId: task.taskId }))
      expect(result).toMatchObject({ taskId: task.taskId, createdAt: task.createdAt, ttl: 90_000 })
      expect(result).not.toHaveProperty('_meta')
    }
    await open('nested')
    await ended(task.taskId)
  })

  test.each([
    [undefined, 3_600_000],
    [{ ttl: null }, 604_800_000],
    [{ ttl: 1e12 }, 604_800_000],
  ])('with %o lives for %i ms', async (task, ttl) => {
    expect(await start('required', {}, task)).toMatchObject({ ttl })
  })

  test.each([['soon'], [{ ttl: 'soon' }], [{ ttl: -1 }]])('with the params %o is an error', async (task) => {
    expect((await ask('tools/call', { name: 'required', arguments: {}, task })).error?.code).toBe(-32602)
  })

  test('has its progress as its status message', async () => {
    const { taskId } = await start('optional', { gate: 'message' })
    const task = await eventually(async () => {
      const now = await get(taskId)
      return now.statusMessage === undefined ? undefined : now
    })
    expect(task.statusMessage).toMatch('at message')
    await open('message')
    expect((await ended(taskId)).status).toBe('completed')
  })

  test('that nobody has is -32602 in every method', async () => {
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      for (const taskId of ['nothing', 'no id!', 7]) expect((await ask(method, { taskId })).error?.code).toBe(-32602)
    }
  })

  test('of another session is unknown there, and is in no list there', async () => {
    const { taskId } = await start('required')
    const other = await initialize(fleet.url)
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      expect((await ask(method, { taskId }, other)).error?.code).toBe(-32602)
    }
    expect((await ask('tasks/list', {}, other)).result).toEqual({ tasks: [] })
  })

  test('ends with its session', async () => {
    const own = await initialize(fleet.url)
    const { taskId } = await start('optional', { gate: 'never' }, {}, own)
    const headers = { 'mcp-session-id': own.id, 'mcp-protocol-version': own.version }
    expect((await fetch(fleet.url, { method: 'DELETE', headers })).status).toBe(204)
    expect((await post(fleet.url, request(1, 'tasks/get', { taskId }), { session: own })).status).toBe(404)
  })
})

describe('rules 5, 8, 10: tasks/result', () => {
  test('waits on another instance than the one that runs the task, and has what the call would have had', async () => {
    const message = request(++ids, 'tools/call', { name: 'optional', arguments: { gate: 'wait' }, task: {} })
    const { taskId } = (await call(fleet.at(0), session, message)).result.task
    const waiting = call(fleet.at(1), session, request(++ids, 'tasks/result', { taskId }))
    await open('wait')
    expect((await waiting).result).toEqual({
      content: [{ type: 'text', text: 'through wait' }],
      _meta: { [RELATED]: { taskId } },
    })
    // And once more, where it has ended.
    expect((await ask('tasks/result', { taskId })).result.content[0].text).toBe('through wait')
  })

  test('of a tool that failed is its result, and the task has failed', async () => {
    const { taskId } = await start('failing')
    expect((await ended(taskId)).status).toBe('failed')
    expect((await ask('tasks/result', { taskId })).result).toMatchObject({
      isError: true,
      content: [{ text: 'no luck' }],
      _meta: { [RELATED]: { taskId } },
    })
  })

  test('of a call that ended with an error is this error', async () => {
    const plain = await ask('tools/call', { name: 'broken', arguments: {} })
    const { taskId } = await start('broken')
    expect((await ended(taskId)).status).toBe('failed')
    const { result, error } = await ask('tasks/result', { taskId })
    expect(error ?? result).toMatchObject(plain.error ?? plain.result)
  })

  test('sends the state of the task on its stream', async () => {
    const { taskId } = await start('optional', { gate: 'status' })
    const stream = await postStream(fleet.url, request(++ids, 'tasks/result', { taskId }), { session })
    const { message } = await stream.until(({ method }) => method === 'notifications/tasks/status')
    expect(message?.params).toMatchObject({ taskId, status: 'working', ttl: 3_600_000 })
    await open('status')
    const messages = await stream.rest()
    expect(messages.at(-2)?.params).toMatchObject({ taskId, status: 'completed' })
    expect(messages.at(-1)?.result.content[0].text).toBe('through status')
  })

  test('tells the progress of the task under the token of its call', async () => {
    const params = { name: 'reporting', arguments: { gate: 'told' }, task: {}, _meta: { progressToken: 'of the call' } }
    const { taskId } = (await ask('tools/call', params)).result.task
    const stream = await postStream(fleet.url, request(++ids, 'tasks/result', { taskId }), { session })
    await stream.until(({ params }) => params?.statusMessage === 'first')
    for (const [i, said] of ['first', 'second'].entries()) {
      await open(`told ${said}`)
      const { message } = await stream.until(({ method }) => method === 'notifications/progress')
      expect(message?.params).toEqual({
        ...{ progressToken: 'of the call', progress: i + 2, total: 3, message: ['second', 'third'][i] },
        _meta: { [RELATED]: { taskId } },
      })
    }
    await open('told third')
    expect((await stream.rest()).at(-1)?.result.content[0].text).toBe('reported')
  })

  test('tells no progress where the call has no token', async () => {
    const { taskId } = await start('reporting', { gate: 'untold' })
    const stream = await postStream(fleet.url, request(++ids, 'tasks/result', { taskId }), { session })
    for (const said of ['first', 'second', 'third']) {
      await stream.until(({ params }) => params?.statusMessage === said)
      await open(`untold ${said}`)
    }
    await stream.rest()
    expect(stream.events.map(({ message }) => message?.method)).not.toContain('notifications/progress')
  })

  test('goes on at another instance where the client comes back', async () => {
    const { taskId } = await start('optional', { gate: 'resume' })
    const first = await postStream(fleet.at(0), request(++ids, 'tasks/result', { taskId }), { session })
    await first.until(({ method }) => method === 'notifications/tasks/status')
    const lastId = first.lastId ?? ''
    first.drop()
    const headers = {
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      'mcp-protocol-version': session.version,
      'last-event-id': lastId,
    }
    const second = new EventReader(await fetch(fleet.at(1), { headers }))
    await open('resume')
    expect((await second.rest()).at(-1)?.result.content[0].text).toBe('through resume')
  })
})

describe('rule 6: tasks/list', () => {
  test('has every task of the session, the oldest first, page by page', async () => {
    const own = await initialize(fleet.url)
    const made: string[] = []
    for (let i = 0; i < 60; i++) made.push((await start('required', {}, {}, own)).taskId)
    const first = (await ask('tasks/list', {}, own)).result
    const second = (await ask('tasks/list', { cursor: first.nextCursor }, own)).result
    expect(second).not.toHaveProperty('nextCursor')
    const listed = [...first.tasks, ...second.tasks].map(({ taskId }: { taskId: string }) => taskId)
    expect(listed.toSorted()).toEqual(made.toSorted())
    expect(first.tasks[0]).toEqual(await get(first.tasks[0].taskId, own))
  })

  test.each(['x', 'bm90aGluZw'])('refuses the cursor "%s"', async (cursor) => {
    expect((await ask('tasks/list', { cursor })).error?.code).toBe(-32602)
  })
})

describe('rule 7: tasks/cancel', () => {
  test('ends a task for good: what its handler returns later does not count', async () => {
    const { taskId } = await start('optional', { gate: 'cancelled' })
    const waiting = ask('tasks/result', { taskId })
    expect((await ask('tasks/cancel', { taskId })).result).toMatchObject({ taskId, status: 'cancelled' })
    expect((await waiting).error?.message).toMatch(/cancelled/)
    await open('cancelled')
    expect((await get(taskId)).status).toBe('cancelled')
    expect((await ask('tasks/cancel', { taskId })).error?.code).toBe(-32602)
  })

  test('of a task that has ended is -32602', async () => {
    const { taskId } = await start('required')
    await ended(taskId)
    expect((await ask('tasks/cancel', { taskId })).error?.code).toBe(-32602)
    expect((await get(taskId)).status).toBe('completed')
  })
})

describe('rule 9: a task that asks', () => {
  test('asks on the stream of tasks/result, gets its answers through any instance, and works on', async () => {
    const { taskId } = await start('asking')
    await eventually(async () => ((await get(taskId)).status === 'input_required' ? true : undefined))
    const stream = await postStream(fleet.at(0), request(++ids, 'tasks/result', { taskId }), { session })
    for (const [i, answer] of ['Ada', 'blue'].entries()) {
      const { message } = await stream.until(({ method }) => method === 'elicitation/create')
      expect(message?.params).toMatchObject({
        message: ['Name?', 'Colour?'][i],
        _meta: { [RELATED]: { taskId } },
      })
      const response = { jsonrpc: '2.0', id: message?.id, result: { action: 'accept', content: { answer } } }
      expect((await post(fleet.at(i + 1), response, { session })).status).toBe(202)
    }
    const messages = await stream.rest()
    expect(JSON.parse(messages.at(-1)?.result.content[0].text)).toEqual(['Ada', 'blue'])
    const statuses = stream.events.flatMap(({ message }) =>
      message?.method === 'notifications/tasks/status' ? [message.params.status] : [],
    )
    expect(statuses).toContain('working')
    expect(statuses.at(-1)).toBe('completed')
  })

  test('gets the error of its client as the error of the ask', async () => {
    const { taskId } = await start('refused')
    const stream = await postStream(fleet.url, request(++ids, 'tasks/result', { taskId }), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    const response = { jsonrpc: '2.0', id: message?.id, error: { code: -32_000, message: 'No.' } }
    expect((await post(fleet.url, response, { session })).status).toBe(202)
    expect((await stream.rest()).at(-1)?.result.content[0].text).toMatch(/refused: .*No\./)
  })

  test('is cancelled while it waits', async () => {
    const { taskId } = await start('asking')
    const stream = await postStream(fleet.url, request(++ids, 'tasks/result', { taskId }), { session })
    await stream.until(({ method }) => method === 'elicitation/create')
    expect((await ask('tasks/cancel', { taskId })).result.status).toBe('cancelled')
    expect((await stream.rest()).at(-1)?.error?.message).toMatch(/cancelled/)
  })
})

test('rule 11: a task of a session is unknown in the stateless revision', async () => {
  const { taskId } = await start('required')
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tasks/get', 'mcp-name': taskId }
  const response = await post(fleet.url, request(1, 'tasks/get', { taskId, _meta: meta }), { headers })
  expect(((await response.json()) as { error?: { code: number } }).error?.code).toBe(-32602)
})

describe('rules 1 to 9 with the official client 1.x', () => {
  let client: Client
  const asked: string[] = []
  beforeAll(async () => {
    client = new Client({ name: 'official', version: '1' }, { capabilities: { elicitation: {} } })
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: { answer: `${params.message}!` } }
    })
    const transport = new StreamableHTTPClientTransport(fleet.url)
    await client.connect(transport as Parameters<typeof client.connect>[0])
    await client.listTools()
  })
  afterAll(() => client.close())

  const messagesOf = async (name: string, args: Record<string, unknown> = {}) => {
    const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, {
      task: {},
    })
    const messages: { type: string; task?: { taskId: string; status: string }; result?: unknown }[] = []
    for await (const message of stream) messages.push(message)
    return messages
  }

  test('runs a tool as a task', async () => {
    const messages = await messagesOf('required')
    expect(messages[0]?.type).toBe('taskCreated')
    expect(messages.at(-1)).toMatchObject({ type: 'result', result: { content: [{ text: 'done' }] } })
  })

  test('answers what a task asks', async () => {
    const messages = await messagesOf('asking')
    expect(asked).toEqual(['Name?', 'Colour?'])
    expect(messages.at(-1)).toMatchObject({ type: 'result', result: { content: [{ text: '["Name?!","Colour?!"]' }] } })
  })

  test('gets, lists and cancels tasks', async () => {
    const { tasks } = client.experimental
    const stream = tasks.callToolStream({ name: 'optional', arguments: { gate: 'official' } }, CallToolResultSchema, {
      task: { ttl: 60_000 },
    })
    const created = (await stream.next()).value as { task: { taskId: string } }
    const { taskId } = created.task
    expect(await tasks.getTask(taskId)).toMatchObject({ taskId, status: 'working', ttl: 60_000 })
    expect((await tasks.listTasks()).tasks.map((task) => task.taskId)).toContain(taskId)
    expect(await tasks.cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' })
    await expect(tasks.cancelTask(taskId)).rejects.toThrow(/ended before/)
  })
})
