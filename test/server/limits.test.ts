/** `timeout` and `maxResultBytes` of tools, in sessions and in the stateless revision. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { onEvent } from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { type JsonObject, RawJson } from '../../lib/protocol/jsonrpc.ts'
import { McpServer, type McpServerOptions } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { body, headers as statelessHeaders, tool } from '../stateless/requests.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, answerOf, EventReader, request as message, type RpcMessage, toolCall } from '../support/raw.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })
const TIMED_OUT = { ...text('The tool "slow" was not done within its limit of 1000 ms.'), isError: true }

describe('maxResultBytes', () => {
  const server = new McpServer({ name: 'x', version: '1' }, { maxResultBytes: 100 })
  const echo = { inputSchema: z.object({ text: z.string() }) }
  server.registerTool('echo', echo, ({ text: given }) => text(given))
  server.registerTool('later', echo, async ({ text: given }) => text(given))
  server.registerTool('wide', { ...echo, maxResultBytes: 1_000 }, ({ text: given }) => text(given))
  server.registerTool('free', { ...echo, maxResultBytes: 0 }, ({ text: given }) => text(given))
  server.registerTool('failing', echo, ({ text: given }) => {
    throw new Error(given)
  })
  server.registerTool('noted', echo, ({ text: given }) => ({ ...text(given), _meta: { a: 1 } }))
  server.registerTool('big', {}, () => ({ content: [], structuredContent: { n: 1n } }) as never)

  /** A text whose result has so many bytes as JSON. */
  const sized = (bytes: number, character = 'x') => {
    const rest = bytes - Buffer.byteLength(JSON.stringify(text('')))
    return character.repeat(rest / Buffer.byteLength(character)) + 'x'.repeat(rest % Buffer.byteLength(character))
  }

  it.each(['echo', 'later', 'noted', 'failing'])(
    'of the server bounds the results of a tool without its own: %s',
    async (name) => {
      const long = await call(server, name, { text: sized(1_000) })
      expect(long.isError).toBe(true)
      expect(long.content[0].text).toMatch(
        new RegExp(`^The result of "${name}" has 1\\d{3} bytes of JSON, and its limit is 100\\.$`),
      )
    },
  )

  it('lets a result through that has exactly as many bytes', async () => {
    expect(await call(server, 'echo', { text: sized(100) })).toEqual(text(sized(100)))
    expect((await call(server, 'echo', { text: sized(101) })).content[0].text).toContain('101 bytes')
  })

  it('counts bytes, not characters', async () => {
    const wide = sized(100, 'é')
    expect(Buffer.byteLength(JSON.stringify(text(wide)))).toBe(100)
    expect(await call(server, 'echo', { text: wide })).toEqual(text(wide))
    expect((await call(server, 'echo', { text: `${wide}é` })).content[0].text).toContain('102 bytes')
  })

  it('of a tool comes before that of the server, and 0 is no limit', async () => {
    expect(await call(server, 'wide', { text: sized(1_000) })).toEqual(text(sized(1_000)))
    expect((await call(server, 'wide', { text: sized(1_001) })).content[0].text).toContain('its limit is 1000')
    expect(await call(server, 'free', { text: sized(100_000) })).toEqual(text(sized(100_000)))
  })

  it('keeps what a small result has beside its content', async () => {
    expect(await call(server, 'noted', { text: 'x' })).toEqual({ ...text('x'), _meta: { a: 1 } })
    expect(await call(server, 'failing', { text: 'no' })).toEqual({ ...text('no'), isError: true })
  })

  it('counts what is sent in the revision', async () => {
    const old = new McpServer({ name: 'x', version: '1' }, { maxResultBytes: 100 })
    old.registerTool('both', {}, () => ({ content: [], structuredContent: { long: 'x'.repeat(200) } }))
    expect((await call(old, 'both', {}, fakeChannel({ revision: '2025-03-26' }))).content).toEqual([])
    expect((await call(old, 'both', {}, fakeChannel({ revision: '2025-11-25' }))).isError).toBe(true)
  })

  it('writes the JSON of a result once', async () => {
    let written = 0
    const counting = new McpServer({ name: 'x', version: '1' }, { maxResultBytes: 1_000 })
    counting.registerTool('count', {}, () => {
      const structuredContent = { toJSON: () => ++written && { n: 1 } }
      return { ...text('x'), structuredContent }
    })
    const result = dispatcherOf(counting).dispatch('tools/call', { name: 'count' }, fakeChannel())
    // The endpoint sends this text.
    expect(await result).toBeInstanceOf(RawJson)
    expect(written).toBe(1)
  })

  it('holds for what a middleware makes of a result', async () => {
    const widened = new McpServer({ name: 'x', version: '1' }, { maxResultBytes: 100 })
    widened.registerTool('echo', echo, ({ text: given }) => text(given))
    widened.use(async ({ params }, next) => {
      const result = await next()
      const { text: given } = params.arguments as { text: string }
      const [first] = result.content as JsonObject[]
      return given === 'widen' ? text('x'.repeat(200)) : text(String(first?.text).slice(0, 5))
    })
    expect(await call(widened, 'echo', { text: sized(1_000) })).toEqual(text('xxxxx'))
    expect((await call(widened, 'echo', { text: 'widen' })).content[0].text).toMatch(
      /The result of "echo" has \d+ bytes/,
    )
  })
})

test.each([
  ['timeout', -1],
  ['timeout', 1.5],
  ['timeout', Number.POSITIVE_INFINITY],
  ['timeout', 2 ** 31],
  ['timeout', '5'],
  ['maxResultBytes', -1],
  ['maxResultBytes', Number.NaN],
  ['maxResultBytes', 0.5],
])('%s: %s is refused as it is given', (name, value) => {
  const limit = { [name]: value } as McpServerOptions
  expect(() => new McpServer({ name: 'x', version: '1' }, limit)).toThrow(
    new RegExp(`^McpServer: ${name} must be a whole number`),
  )
  const server = new McpServer({ name: 'x', version: '1' })
  expect(() => server.registerTool('a', limit, () => text('x'))).toThrow(
    new RegExp(`^Tool "a": ${name} must be a whole number`),
  )
})

test('limits are no members of what is listed', async () => {
  const server = new McpServer({ name: 'x', version: '1' })
  server.registerTool('a', { timeout: 5, maxResultBytes: 5 }, () => text('x'))
  expect((await request(server, 'tools/list')).tools[0]).toEqual({
    name: 'a',
    inputSchema: { type: 'object', properties: {} },
  })
})

describe('timeout', () => {
  let clock: ManualClock
  let endpoint: Endpoint
  let signal: AbortSignal | undefined
  let began: PromiseWithResolvers<void>
  let work: PromiseWithResolvers<void>
  let afterwards: unknown[] = []

  function build(options: McpServerOptions = { timeout: 1_000 }): McpServer {
    const server = new McpServer({ name: 'x', version: '1' }, options)
    server.registerTool('slow', {}, async (ctx) => {
      signal = ctx.signal
      began.resolve()
      await work.promise
      afterwards.push(await ctx.log('info', 'too late'))
      return text('done')
    })
    server.registerTool('blind', {}, async (ctx) => {
      began.resolve()
      await work.promise
      afterwards.push(ctx.signal.reason)
      return text('done')
    })
    server.registerTool('patient', { timeout: 0 }, async () => {
      began.resolve()
      await work.promise
      return text('done')
    })
    server.registerTool('ask', {}, async (ctx) => {
      began.resolve()
      const { action } = await ctx.elicit('Go on?', z.object({}))
      await work.promise
      return text(action)
    })
    return server
  }

  function start(server = build()): void {
    endpoint = createEndpoint(server, { clock, onError: () => {} })
  }

  beforeEach(() => {
    clock = new ManualClock()
    began = Promise.withResolvers()
    work = Promise.withResolvers()
    afterwards = []
  })
  afterEach(async () => {
    work.resolve()
    await endpoint?.close()
  })

  const send = (sent: object, headers: Record<string, string>) =>
    endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        body: JSON.stringify(sent),
        headers: { accept: ACCEPT_BOTH, 'content-type': 'application/json', ...headers },
      }),
    )

  async function open(): Promise<Record<string, string>> {
    const capabilities = { elicitation: {} }
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 't', version: '1' } }
    const response = await send(message(0, 'initialize', params), {})
    return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
  }

  const ERAS: [string, (name: string) => Promise<RpcMessage>][] = [
    ['in a session', async (name) => answerOf(await send(toolCall(1, name), await open()))],
    ['without a session', async (name) => answerOf(await send(body(tool(name)), statelessHeaders(tool(name))))],
  ]

  describe.each(ERAS)('%s', (_, run) => {
    it('ends a call with an error that names tool and limit, and aborts its signal', async () => {
      start()
      const answer = run('slow')
      await began.promise
      await clock.advance(999)
      expect(signal?.aborted).toBe(false)
      await clock.advance(1)
      expect((await answer).result).toMatchObject(TIMED_OUT)
      expect(signal?.reason).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('1000 ms') })
    })

    it('gives the reason to a handler that looks at its signal only later', async () => {
      start()
      const answer = run('blind')
      await began.promise
      await clock.advance(1_000)
      await answer
      work.resolve()
      await turn()
      expect(afterwards).toMatchObject([{ name: 'TimeoutError' }])
    })

    it('drops what the handler returns later, and what it sends', async () => {
      start()
      const answer = run('slow')
      await began.promise
      await clock.advance(1_000)
      const { result } = await answer
      work.resolve()
      await turn()
      expect(afterwards).toEqual([undefined])
      expect(result).toMatchObject(TIMED_OUT)
    })

    it('harms nobody where the handler rejects later', async () => {
      const rejected: unknown[] = []
      const listener = (reason: unknown) => rejected.push(reason)
      process.on('unhandledRejection', listener)
      start()
      const answer = run('slow')
      await began.promise
      await clock.advance(1_000)
      expect((await answer).result).toMatchObject(TIMED_OUT)
      work.reject(new Error('late'))
      await turn()
      process.off('unhandledRejection', listener)
      expect(rejected).toEqual([])
      work = Promise.withResolvers()
    })

    it('leaves a call alone that is done in time', async () => {
      start()
      const answer = run('slow')
      await began.promise
      await clock.advance(999)
      work.resolve()
      expect((await answer).result).toMatchObject(text('done'))
      expect(signal?.aborted).toBe(false)
    })

    it('of 0 is none, and that of the server is the default', async () => {
      start()
      const answer = run('patient')
      await began.promise
      await clock.advance(20_000)
      work.resolve()
      expect((await answer).result).toMatchObject(text('done'))
    })

    it('is a fault of its own in the event of the call', async () => {
      const faults: unknown[] = []
      const end = onEvent('call', ({ outcome, fault, error }) => faults.push([outcome, fault, error?.message]))
      start()
      const answer = run('slow')
      await began.promise
      await clock.advance(1_000)
      await answer
      end()
      expect(faults).toEqual([['tool_error', 'timeout', TIMED_OUT.content[0]?.text]])
    })
  })

  /** Calls the tool that asks, and returns the stream of the call and a function that answers. */
  async function asking() {
    start()
    const session = await open()
    const stream = new EventReader(await send(toolCall(1, 'ask'), session))
    const { message: asked } = await stream.until(({ method }) => method === 'elicitation/create')
    const answer = () => send({ jsonrpc: '2.0', id: asked?.id, result: { action: 'accept', content: {} } }, session)
    return { stream, answer }
  }

  it('stands still while the call waits for its client', async () => {
    const { stream, answer } = await asking()
    await clock.advance(5_000)
    expect((await answer()).status).toBe(202)
    await clock.advance(999)
    work.resolve()
    const [result] = (await stream.rest()).filter(({ id }) => id === 1)
    expect(result?.result).toEqual(text('accept'))
  })

  it('goes on when the client has answered', async () => {
    const { stream, answer } = await asking()
    await clock.advance(5_000)
    expect((await answer()).status).toBe(202)
    await clock.advance(1_000)
    const [result] = (await stream.rest()).filter(({ id }) => id === 1)
    expect(result?.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('"ask"') }] })
  })

  it('counts the time until the handler returns its promise', async () => {
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('slow', { timeout: 1_000 }, () => {
      void clock.advance(400)
      began.resolve()
      return work.promise.then(() => text('done'))
    })
    const result = call(server, 'slow', {}, { ...fakeChannel(), clock })
    await began.promise
    let over = false
    void result.then(() => {
      over = true
    })
    await clock.advance(599)
    expect(over).toBe(false)
    await clock.advance(1)
    expect(await result).toEqual(TIMED_OUT)
  })

  it('does not hold back a result that is there at once', async () => {
    const server = new McpServer({ name: 'x', version: '1' }, { timeout: 1_000 })
    server.registerTool('quick', {}, () => text('x'))
    // From the second call on the code of limits is loaded.
    await call(server, 'quick')
    expect(dispatcherOf(server).dispatch('tools/call', { name: 'quick' }, fakeChannel())).toEqual(text('x'))
  })
})
