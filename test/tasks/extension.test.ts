/** Tasks of 2026-07-28 on three instances that share a store: each request goes to another one. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { Endpoint } from '../../lib/endpoint-types.ts'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { Signer } from '../support/authorization.ts'
import type { RpcMessage } from '../support/raw.ts'

const TASKS = 'io.modelcontextprotocol/tasks'
const PREFIX = 'io.modelcontextprotocol/'
const DECLARED = { elicitation: { form: {} }, extensions: { [TASKS]: {} } }
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

const eventually = (look: () => unknown) =>
  vi.waitFor(async () => void (await look()), { timeout: 20_000, interval: 20 })

/** Effects of handlers, by name. */
const effects = new Map<string, number>()
const effect = (name: string) => effects.set(name, (effects.get(name) ?? 0) + 1)
/** What `waits` waits for. */
let gate = Promise.withResolvers<void>()
/** The question of `changing`, as the build has it. */
let question = 'first'

function server(): McpServer {
  const made = new McpServer({ name: 'tasks', version: '1' })
  made.registerTool('plain', {}, () => text('plain'))
  made.registerTool('now', { task: 'optional', durable: true }, () => text('now'))
  made.registerTool('only', { task: 'required', durable: true }, () => text('only'))
  made.registerTool('wrong', { task: 'optional', durable: true }, () => ({ ...text('no'), isError: true }))
  made.registerTool('broken', { task: 'optional', durable: true }, () => {
    throw new ProtocolError(-32050, 'broken', { at: 1 })
  })
  made.registerTool('asks', { task: 'optional', durable: true }, async (ctx) => {
    await ctx.once('before', () => effect('before'))
    const form = z.object({ n: z.number() })
    const answers = await Promise.all([ctx.elicit('a', form, { key: 'a' }), ctx.elicit('b', form, { key: 'b' })])
    const last = await ctx.elicit('c', form, { key: 'c' })
    return text([...answers, last].map(({ content }) => content?.n).join())
  })
  made.registerTool('waits', { task: 'optional', durable: true }, async (ctx) => {
    await ctx.progress(1, 2, 'half')
    await Promise.race([gate.promise, new Promise((_, reject) => ctx.signal.addEventListener('abort', reject))])
    return text('waited')
  })
  made.registerTool('changing', { task: 'optional', durable: true }, async (ctx) => {
    await ctx.elicit(question, z.object({ n: z.number() }), { key: 'k' })
    return text('unchanged')
  })
  made.registerTool(
    'later',
    { task: { support: 'optional', start: 'handler', ttl: 5_000, pollInterval: 1_500 }, durable: true },
    async (ctx) => {
      const { content } = await ctx.elicit('name', z.object({ name: z.string() }))
      const isTask = await ctx.task()
      return text(`${content?.name} ${isTask}`)
    },
  )
  return made
}

describe('tasks of the extension', () => {
  let store: Store
  let endpoints: Endpoint[]
  let turn = 0
  beforeAll(async () => {
    store = memoryStore()
    const keys = [Buffer.alloc(32, 'k')]
    endpoints = Array.from({ length: 3 }, () => createEndpoint(server(), { store, allowedHosts: '*', keys }))
  })
  afterAll(() => Promise.all(endpoints.map((endpoint) => endpoint.close())))

  async function send(
    method: string,
    params: Record<string, unknown>,
    { capabilities = DECLARED as object, headers = {} } = {},
  ) {
    const mirrored = params.taskId ?? params.name
    const response = (await endpoints[turn++ % 3]?.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(mirrored !== undefined && { 'mcp-name': String(mirrored) }),
          ...headers,
        },
        body: JSON.stringify({
          ...{ jsonrpc: '2.0', id: turn, method },
          params: {
            ...params,
            _meta: { [`${PREFIX}protocolVersion`]: '2026-07-28', [`${PREFIX}clientCapabilities`]: capabilities },
          },
        }),
      }),
    )) as Response
    const body = await response.text()
    const json = body.startsWith('{') ? body : (body.split('data: ').at(-1) ?? '')
    return { status: response.status, ...(JSON.parse(json) as RpcMessage) }
  }
  const call = (name: string, more: object = {}) => send('tools/call', { name, arguments: {}, ...more })
  const get = async (taskId: string) => (await send('tasks/get', { taskId })).result
  async function until(taskId: string, status: string) {
    let task: RpcMessage['result']
    await eventually(async () => {
      task = await get(taskId)
      expect(task.status).toBe(status)
    })
    return task
  }
  const accept = (n: number) => ({ action: 'accept', content: { n } })

  test('TA1, TA2, TA5, TA6, TA7: the extension is offered, and each request says anew that its client has it', async () => {
    const { capabilities } = (await send('server/discover', {})).result
    expect(capabilities.extensions[TASKS]).toEqual({})
    expect(capabilities.tasks).toBeUndefined()
    const without = { capabilities: { elicitation: {} } }
    expect((await send('tools/call', { name: 'now', arguments: {} }, without)).result).toMatchObject({
      resultType: 'complete',
      ...text('now'),
    })
    expect((await call('plain')).result).not.toHaveProperty('taskId')
    const refused = {
      status: 400,
      error: { code: -32021, data: { requiredCapabilities: { extensions: { [TASKS]: {} } } } },
    }
    expect(await send('tools/call', { name: 'only', arguments: {} }, without)).toMatchObject(refused)
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      expect(await send(method, { taskId: 'x', inputResponses: {} }, without)).toMatchObject(refused)
    }
    expect(await send('subscriptions/listen', { notifications: { taskIds: ['x'] } }, without)).toMatchObject(refused)
  })

  test('TA3, TA4, TA8, TA9: a task is flat, is found at once on another instance, and has its result there', async () => {
    const { result } = await call('now')
    expect(result).toMatchObject({ resultType: 'task', ttlMs: 3_600_000, pollIntervalMs: 2_000 })
    expect(new Date(result.createdAt).toISOString()).toBe(result.createdAt)
    for (const member of ['task', 'ttl', 'pollInterval', 'requestState', 'result'])
      expect(result).not.toHaveProperty(member)
    expect(Buffer.from(result.taskId, 'base64url').length).toBeGreaterThanOrEqual(16)
    expect(await get(result.taskId)).toMatchObject({ resultType: 'complete', taskId: result.taskId })
    const done = await until(result.taskId, 'completed')
    expect(done.result).toMatchObject(text('now'))
    expect(done).not.toHaveProperty('requestState')
    const wrong = await until((await call('wrong')).result.taskId, 'completed')
    expect(wrong.result.isError).toBe(true)
    const broken = await until((await call('broken')).result.taskId, 'failed')
    expect(broken).toMatchObject({
      error: { code: -32050, message: 'broken', data: { at: 1 } },
      statusMessage: 'broken',
    })
    expect(broken).not.toHaveProperty('result')
  })

  test('TA10, TA14, TA16: an unknown task, a cancel, and headers that do not fit', async () => {
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      expect(await send(method, { taskId: 'nothing', inputResponses: {} })).toMatchObject({ error: { code: -32602 } })
    }
    for (const method of ['tasks/result', 'tasks/list']) {
      expect(await send(method, { taskId: 'x' })).toMatchObject({ status: 404, error: { code: -32601 } })
    }
    const { taskId } = (await call('now')).result
    expect(await send('tasks/get', { taskId }, { headers: { 'mcp-name': 'other' } })).toMatchObject({
      status: 400,
      error: { code: -32020 },
    })
    await until(taskId, 'completed')
    expect((await send('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' })
    expect(await get(taskId)).toMatchObject({ status: 'completed' })
  })

  test('TA11, TA12, TA20: answers come one by one, to other instances, and what was done is not done again', async () => {
    effects.clear()
    const { taskId } = (await call('asks')).result
    const asked = await until(taskId, 'input_required')
    expect(asked.inputRequests.a).toMatchObject({ method: 'elicitation/create', params: { message: 'a' } })
    expect(Object.keys(asked.inputRequests).sort()).toEqual(['a', 'b'])
    const update = (inputResponses: object) => send('tasks/update', { taskId, inputResponses })
    const ack = await update({ a: accept(1), unknown: {} })
    expect(Object.keys(ack.result).sort()).toEqual(['_meta', 'resultType'])
    expect(Object.keys((await get(taskId)).inputRequests)).toEqual(['b'])
    expect(await update({ b: 5 })).toMatchObject({ error: { code: -32602 } })
    await update({ a: accept(9), b: accept(2) })
    await eventually(async () => expect(Object.keys((await get(taskId)).inputRequests ?? {})).toEqual(['c']))
    await update({ c: accept(3) })
    expect((await until(taskId, 'completed')).result).toMatchObject(text('1,2,3'))
    expect(effects.get('before')).toBe(1)
    expect((await update({ c: accept(4) })).result).toMatchObject({ resultType: 'complete' })
  })

  test('TA14, TA19: a cancel is there at once and ends the handler; progress is the status message', async () => {
    gate = Promise.withResolvers()
    const { taskId } = (await call('waits')).result
    await eventually(async () => expect((await get(taskId)).statusMessage).toBe('half'))
    await send('tasks/cancel', { taskId })
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' })
    await eventually(() => expect(endpoints.map((endpoint) => endpoint.stats().calls)).toEqual([0, 0, 0]))
    gate.resolve()
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' })
  })

  test('TA15, TA17: a call asks, and becomes a task then; what older clients send of tasks is ignored', async () => {
    const first = await call('later', { task: { ttl: 1 } })
    expect(first.result).toMatchObject({ resultType: 'input_required' })
    expect(first.result).not.toHaveProperty('taskId')
    const answered = { inputResponses: { 'elicit-1': { action: 'accept', content: { name: 'Ada' } } } }
    const { result } = await call('later', { task: { ttl: 1 }, requestState: first.result.requestState, ...answered })
    expect(result).toMatchObject({ resultType: 'task', ttlMs: 5_000, pollIntervalMs: 1_500 })
    expect(result).not.toHaveProperty('requestState')
    expect((await until(result.taskId, 'completed')).result).toMatchObject(text('Ada true'))
  })

  test('TA13: a task asks only what the request that made it has declared', async () => {
    const capabilities = { extensions: { [TASKS]: {} } }
    const { taskId } = (await send('tools/call', { name: 'asks', arguments: {} }, { capabilities })).result
    let task: RpcMessage['result']
    await eventually(async () => {
      // The one who looks may have more.
      task = await get(taskId)
      expect(task).not.toHaveProperty('inputRequests')
      expect(['completed', 'failed']).toContain(task.status)
    })
    expect(JSON.stringify(task.error ?? task.result)).toContain('elicitation')
  })

  test('a handler that asks something else than before ends the task with an error', async () => {
    question = 'first'
    const { taskId } = (await call('changing')).result
    await until(taskId, 'input_required')
    question = 'second'
    await send('tasks/update', { taskId, inputResponses: { k: accept(1) } })
    expect((await until(taskId, 'failed')).error.message).toContain('asks something else than before under the key "k"')
  })

  test('TA18: a stream that names a task gets its states, with the name of the subscription', async () => {
    gate = Promise.withResolvers()
    const { taskId } = (await call('waits')).result
    const controller = new AbortController()
    const method = 'subscriptions/listen'
    const meta = { [`${PREFIX}protocolVersion`]: '2026-07-28', [`${PREFIX}clientCapabilities`]: DECLARED }
    const response = (await endpoints[1]?.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        signal: controller.signal,
        headers: {
          ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 'sub',
          method,
          params: { notifications: { taskIds: [taskId, 'foreign'] }, _meta: meta },
        }),
      }),
    )) as Response
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
    let received = ''
    const untilReceived = async (part: string) => {
      while (!received.includes(part)) received += (await reader.read()).value ?? ''
    }
    await untilReceived('acknowledged')
    expect(received).toContain(`"taskIds":["${taskId}"]`)
    gate.resolve()
    await untilReceived('"status":"completed"')
    expect(received).toContain('notifications/tasks')
    expect(received).toContain(`"${PREFIX}subscriptionId":"sub"`)
    await reader.cancel()
    controller.abort()
  })
})

test('TA10: with authorization a task is that of the user who made it, and unknown to every other', async () => {
  const [issuer, resource] = ['https://as.example', 'http://localhost/mcp']
  const signer = await Signer.create(issuer, resource)
  const store = memoryStore()
  const keys = [Buffer.alloc(32, 'k')]
  const auth = { issuer, resource, jwks: signer.keys }
  const endpoints = Array.from({ length: 3 }, () => createEndpoint(server(), { store, allowedHosts: '*', keys, auth }))
  const send = async (turn: number, sub: string, method: string, params: Record<string, unknown>) => {
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
      'mcp-name': String(params.taskId ?? params.name),
      authorization: `Bearer ${await signer.token({ sub })}`,
    }
    const _meta = { [`${PREFIX}protocolVersion`]: '2026-07-28', [`${PREFIX}clientCapabilities`]: DECLARED }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } })
    const request = new Request('http://localhost/mcp', { method: 'POST', headers, body })
    const response = (await endpoints[turn]?.fetch(request)) as Response
    return (await response.json()) as RpcMessage
  }
  const { taskId } = (await send(0, 'ada', 'tools/call', { name: 'asks', arguments: {} })).result
  await eventually(async () =>
    expect((await send(1, 'ada', 'tasks/get', { taskId })).result.status).toBe('input_required'),
  )
  const unknown = (await send(0, 'bob', 'tasks/get', { taskId: 'nothing' })).error
  expect(unknown?.code).toBe(-32602)
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
    const inputResponses = { a: { action: 'accept', content: { n: 1 } } }
    const { error } = await send(2, 'bob', method, { taskId, inputResponses })
    expect(error?.message.replace(taskId, 'nothing')).toBe(unknown?.message)
    expect(error?.code).toBe(-32602)
  }
  const { status, inputRequests } = (await send(2, 'ada', 'tasks/get', { taskId })).result
  expect(status).toBe('input_required')
  expect(Object.keys(inputRequests)).toContain('a')
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
})

test.each([
  [{ task: 'sometimes' }, /Tool "t": task must be "optional" or "required"/],
  [{ task: 'forbidden' }, /leave it out/],
  [{ task: { support: 'optional', ttl: 0 } }, /task.ttl must be a whole number of ms from 1000 to 604800000, not 0/],
  [{ task: { support: 'optional', pollInterval: 20_000 } }, /task.pollInterval .* from 1000 to 10000/],
  [{ task: { support: 'optional', start: 'soon' } }, /task.start must be "call" or "handler"/],
  [
    { task: { support: 'optional', lifetime: 1 } },
    /task has no option lifetime; there are support, start, ttl, pollInterval/,
  ],
  [{ execution: { taskSupport: 'yes' } }, /execution.taskSupport must be/],
  [{ task: 'optional', execution: { taskSupport: 'required' } }, /One of the two is enough/],
])('%j is refused with one line', (config, message) => {
  const made = new McpServer({ name: 's', version: '1' })
  made.registerTool('t', config as object, () => text(''))
  expect(() => createEndpoint(made)).toThrow(message)
})
