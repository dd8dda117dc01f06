/** The lines of the log: on a terminal, as JSON, and thinned. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  publish,
  type RefusalEvent,
  type RequestEvent,
  type RequestStart,
  type StoreEvent,
} from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { startEndpoint } from '../../lib/platform/lambda/start.ts'
import { INTERVAL } from '../../lib/platform/log/thinning.ts'
import { type Log, openLog } from '../../lib/platform/log.ts'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, request, toolCall } from '../support/raw.ts'

class Screen {
  text = ''
  readonly isTTY: boolean
  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }
  write(text: string) {
    this.text += text
  }
  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '')
  }
  get json() {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

let endpoint: Endpoint
let log: Log | undefined
let clock: ManualClock
let out: Screen
let err: Screen
let session = ''

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function open(requests: boolean | undefined, isTTY = false): void {
  out = new Screen(isTTY)
  err = new Screen(isTTY)
  log = openLog({ requests, out, err, clock })
  endpoint = createEndpoint(server(), { onError: log.error })
}

function server(): McpServer {
  const mcp = new McpServer({ name: 'log', version: '1' })
  const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })
  mcp.registerTool('ok', {}, () => text('ok'))
  mcp.registerTool('throws', {}, async () => {
    throw new RangeError('out of tea')
  })
  mcp.registerTool('misfit', {}, () => 'nothing' as never)
  mcp.registerTool('large', { maxResultBytes: 5 }, () => text('more than five bytes'))
  mcp.registerTool('refused', {}, () => text('ok'))
  mcp.registerTool('broken', {}, () => text('ok'))
  mcp.use(({ params }, next) => {
    if (params.name === 'refused') throw new ProtocolError(-32_050, 'not for you')
    if (params.name === 'broken') throw new RangeError('out of order')
    return next()
  })
  return mcp
}

async function post(
  message: object,
  headers: Record<string, string> = {},
  path = '/mcp?token=secret',
): Promise<Response> {
  const response = await endpoint.fetch(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      body: JSON.stringify(message),
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, authorization: 'Bearer secret', ...headers },
    }),
  )
  await response.text()
  return response
}

async function initialize(): Promise<void> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tester', version: '7' } }
  const opened = await post(request(0, 'initialize', params))
  session = opened.headers.get('mcp-session-id') ?? ''
}

const call = (name: string, headers: Record<string, string> = {}) =>
  post(toolCall(1, name), { 'mcp-session-id': session, ...headers })

beforeEach(() => {
  clock = new ManualClock()
})
afterEach(async () => {
  log?.close()
  await endpoint?.close()
})

describe('as JSON', () => {
  test('a request is one line with its call, and never its token, query or session id', async () => {
    open(true)
    await initialize()
    await call('ok', { 'x-request-id': 'r1', traceparent: TRACE })
    log?.close()
    expect(out.json).toHaveLength(2)
    expect(out.json[1]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      level: 'INFO',
      severity: 'INFO',
      id: 'r1',
      http: 'POST',
      path: '/mcp',
      method: 'tools/call',
      tool: 'ok',
      status: 200,
      outcome: 'ok',
      revision: '2025-11-25',
      session: expect.stringMatching(/^[\w-]{22}$/),
      client: 'tester/7',
      instance: endpoint.instanceId,
      trace: '0af7651916cd43dd8448eb211c80319c',
      ms: expect.any(Number),
    })
    expect(out.text).not.toContain(session)
    expect(out.text).not.toContain('secret')
    expect(err.text).toBe('')
  })

  test('the exception of a handler has its stack, and the line of its request the outcome', async () => {
    open(true)
    await initialize()
    await call('throws')
    log?.close()
    const [, thrown, asked] = out.json
    expect(thrown).toMatchObject({
      level: 'ERROR',
      tool: 'throws',
      outcome: 'tool_error',
      fault: 'exception',
      client: 'tester/7',
    })
    expect(thrown?.message).toMatch(/^RangeError: out of tea\n +at .*log\.test\.ts/)
    expect(asked).toMatchObject({ level: 'ERROR', tool: 'throws', outcome: 'tool_error', status: 200 })
    expect(asked).not.toHaveProperty('message')
  })

  test.each([
    ['misfit', { level: 'ERROR', outcome: 'tool_error', fault: 'result' }, /returned no valid result/],
    ['unknown', { level: 'WARNING', outcome: 'error', fault: 'unknown', code: -32_602, tool: 'unknown' }, undefined],
    ['large', { level: 'WARNING', outcome: 'tool_error', fault: 'too_large' }, /^RangeError: The result of "large"/],
    ['refused', { level: 'WARNING', outcome: 'error', fault: 'middleware', code: -32_050 }, undefined],
    ['broken', { level: 'ERROR', outcome: 'tool_error', fault: 'middleware' }, /^RangeError: out of order\n +at /],
  ])('the tool "%s"', async (name, expected, message) => {
    open(true)
    await initialize()
    await call(name)
    log?.close()
    expect(out.json.at(-1)).toMatchObject(expected)
    expect(out.json).toHaveLength(message ? 3 : 2)
    if (message) expect(out.json[1]?.message).toMatch(message)
  })

  test('a refusal has its reason in the line of its request', async () => {
    open(true)
    await post(toolCall(1, 'ok'), { 'mcp-session-id': 'unknown' })
    log?.close()
    expect(out.json).toMatchObject([
      {
        level: 'WARNING',
        status: 404,
        reason: 'session',
        code: -32_001,
        refused: expect.stringContaining('Session not found'),
      },
    ])
  })
})

describe('where requests have no lines', () => {
  test('errors are written all the same, to stderr', async () => {
    open(false)
    await initialize()
    await call('ok')
    await call('unknown')
    await call('throws')
    log?.close()
    expect(out.text).toBe('')
    expect(err.json).toMatchObject([{ level: 'ERROR', tool: 'throws', message: expect.stringContaining('out of tea') }])
  })

  test('a refusal that is no fault of the client is written with its cause, thinned', () => {
    open(false)
    const refused: RefusalEvent = {
      request: { instance: 'i', id: '1', httpMethod: 'POST', path: '/mcp' },
      kind: 'authorization_server',
      status: 503,
      code: -32_603,
      reason: 'The authorization server does not answer.',
      cause: new Error('connect ECONNREFUSED'),
    }
    for (let i = 0; i < 5; i++) publish('refusal', refused)
    publish('refusal', { ...refused, kind: 'token_invalid', status: 401 })
    log?.close()
    expect(err.json).toMatchObject([
      { level: 'ERROR', status: 503, cause: 'Error: connect ECONNREFUSED' },
      { message: 'The authorization server does not answer. (4 times more)' },
    ])
  })
})

describe('on a terminal', () => {
  test('each request has a readable line where nothing else is set, and an exception its stack', async () => {
    open(undefined, true)
    await initialize()
    await call('ok')
    await call('throws')
    log?.close()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the colours
    const plain = out.text.replace(/\x1b\[\d+m/g, '')
    expect(plain).not.toBe(out.text)
    expect(plain).toMatch(
      /^\d\d:\d\d:\d\d INFO {4}POST {2}\/mcp {2}tools\/call {2}ok {2}200 {2}ok {2}[\d.]+ ms {2}client=tester\/7$/m,
    )
    expect(plain).toMatch(/^\d\d:\d\d:\d\d ERROR {3}tools\/call {2}throws .*\n {2}RangeError: out of tea\n {6}at /m)
    expect(() => JSON.parse(out.lines[0] ?? '')).toThrow()
  })

  test('what a client sends does not control it', async () => {
    open(true, true)
    await initialize()
    await call('\x1b[2Jgone\x07\r\nINFO  forged')
    log?.close()
    expect(out.text).toContain('[2Jgone')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(out.text.replace(/\x1b\[\d+m/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/)
    expect(out.lines.some((line) => line.startsWith('INFO  forged'))).toBe(false)
  })

  test('LOG=0 has no lines for requests', async () => {
    open(false, true)
    await initialize()
    log?.close()
    expect(out.text + err.text).toBe('')
  })
})

describe('equal errors', () => {
  test('the first is written at once, and the others as one line with their number', async () => {
    open(true)
    for (let i = 0; i < 1_000; i++) log?.error(new Error('again'))
    log?.error(new Error('another'))
    await eventually(async () => (out.lines.length > 0 ? true : undefined))
    expect(out.json.map(({ message }) => String(message).split('\n')[0])).toEqual(
      expect.arrayContaining(['Error: again', 'Error: another']),
    )
    const first = out.lines.length
    await clock.advance(INTERVAL)
    await eventually(async () => (out.lines.length > first ? true : undefined))
    expect(out.json.at(-1)).toMatchObject({ level: 'ERROR', message: 'Error: again (999 times more)' })
    expect(out.lines.length).toBe(first + 1)
    // Quiet for an interval: the next one counts as new.
    await clock.advance(INTERVAL)
    log?.error(new Error('again'))
    log?.close()
    expect(out.json.at(-1)?.message).toMatch(/^Error: again\n/)
  })

  test('many different errors are bounded', async () => {
    open(true)
    for (let i = 0; i < 2_000; i++) log?.error(new Error(`error ${i}`))
    log?.close()
    expect(out.lines).toHaveLength(201)
    expect(out.json.at(-1)).toMatchObject({ message: '1800 other errors of many kinds.' })
  })

  test('exceptions of a handler are thinned', async () => {
    open(false)
    await initialize()
    for (let i = 0; i < 20; i++) await call('throws')
    log?.close()
    expect(err.json).toMatchObject([{ tool: 'throws' }, { message: 'RangeError: out of tea (19 times more)' }])
  })
})

describe('on Lambda', () => {
  const event = (message: object) => ({
    version: '2.0' as const,
    rawPath: '/mcp',
    rawQueryString: '',
    headers: { host: 'fn.example', 'content-type': 'application/json', accept: ACCEPT_BOTH, 'mcp-session-id': session },
    requestContext: { http: { method: 'POST', sourceIp: '203.0.113.9' }, stage: '$default' },
    body: JSON.stringify(message),
    isBase64Encoded: false,
  })
  const context = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 30_000 }
  const invoke = (served: Endpoint, message: object) =>
    bufferedHandler(served)(event(message) as never, context as never) as Promise<{ statusCode: number }>

  test('a request has the id of its invocation, and an exception its stack', async () => {
    open(true)
    await initialize()
    expect((await invoke(endpoint, toolCall(1, 'throws'))).statusCode).toBe(200)
    log?.close()
    expect(out.json.slice(1)).toMatchObject([
      { level: 'ERROR', id: 'aws-1', tool: 'throws', message: expect.stringMatching(/^RangeError: out of tea\n +at /) },
      { level: 'ERROR', id: 'aws-1', tool: 'throws', http: 'POST', status: 200, outcome: 'tool_error' },
    ])
  })

  test('its entry opens the log, which gets the failures of the endpoint', async () => {
    const written: string[] = []
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0),
    )
    try {
      const dispatcher = dispatcherOf(server())
      const failing = {
        ...dispatcher,
        warnings: [],
        dispatch: () => {
          throw new Error('the dispatcher is broken')
        },
      }
      const started = await startEndpoint(failing as never, { LOG: '1' })
      endpoint = started.endpoint
      log = started.log
      await initialize()
      await invoke(endpoint, request(1, 'tools/list'))
      const lines = await eventually(async () => {
        const found = written
          .join('')
          .split('\n')
          .filter((line) => line.includes('the dispatcher is broken'))
        return found.length > 0 ? found : undefined
      })
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'ERROR' })
      expect(written.join('')).toContain('"id":"aws-1"')
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })
})

test('a store that goes away is one line with its cause, and one when it is back', () => {
  open(false)
  const cause = new StoreUnavailable('Redis does not answer: connect ECONNREFUSED 127.0.0.1:1')
  const event: StoreEvent = { store: 'redis', state: 'lost', cause, trouble: 'away', awayMs: 0 }
  publish('store', event)
  for (let i = 0; i < 100; i++) log?.error(cause)
  publish('store', { ...event, state: 'back', awayMs: 12_345 })
  log?.close()
  expect(err.json).toMatchObject([
    {
      level: 'ERROR',
      message: 'StoreUnavailable: Redis does not answer: connect ECONNREFUSED 127.0.0.1:1',
      trouble: 'away',
    },
    { level: 'INFO', message: 'The store is back after 12.3 s.', awayMs: 12_345 },
  ])
})

test('a call that ends after its request, or was taken over, has a line of its own', () => {
  open(true)
  const asked: RequestStart = {
    instance: 'i',
    id: 'r',
    httpMethod: 'POST',
    path: '/mcp',
    method: 'tools/call',
    messages: 1,
  }
  const ended: RequestEvent = Object.assign(asked, { status: 200, durationMs: 5 })
  publish('request', ended)
  const run = {
    instance: 'i',
    revision: '2025-11-25',
    id: 1,
    method: 'tools/call',
    kind: 'tool',
    name: 'late',
  } as const
  publish('call', { ...run, request: asked, run: 'first', outcome: 'ok', durationMs: 70 })
  publish('call', { ...run, run: 'takeover', outcome: 'ok', durationMs: 9 })
  log?.close()
  expect(out.json).toMatchObject([
    { http: 'POST', status: 200, ms: 5 },
    { id: 'r', tool: 'late', outcome: 'ok', ms: 70 },
    { tool: 'late', run: 'takeover', ms: 9 },
  ])
})
