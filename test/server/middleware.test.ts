/** `server.use`: functions around calls and lists. */
import { inspect } from 'node:util'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { ErrorCode, ProtocolError } from '../../lib/protocol/errors.ts'
import { type JsonObject, RawJson } from '../../lib/protocol/jsonrpc.ts'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { AskPending } from '../../lib/server/context/errors.ts'
import { McpServer, type McpServerOptions } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import type { Middleware } from '../../lib/server/registry/middleware.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

function build(options: McpServerOptions = {}): McpServer {
  const server = new McpServer({ name: 'test', version: '1' }, options)
  server.registerTool('add', { inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) =>
    text(`${a + b}`),
  )
  server.registerTool('fail', {}, () => {
    throw new Error('out of tea')
  })
  server.registerTool('count', { outputSchema: z.object({ n: z.number() }) }, () => ({ structuredContent: { n: 1 } }))
  server.registerResource('note', 'notes://1', { cacheHint: { ttlMs: 500, cacheScope: 'public' } }, (uri) => ({
    contents: [{ uri: uri.href, text: 'one' }],
  }))
  server.registerResource(
    'page',
    new ResourceTemplate('pages://{id}', { complete: { id: () => ['1', '2'] } }),
    {},
    (uri) => ({
      contents: [{ uri: uri.href, text: 'page' }],
    }),
  )
  server.registerPrompt('plan', {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'plan' } }] }))
  return server
}

const reference = { ref: { type: 'ref/resource', uri: 'pages://{id}' }, argument: { name: 'id', value: '' } }

const METHODS: [string, JsonObject][] = [
  ['tools/call', { name: 'add', arguments: { a: 1, b: 2 } }],
  ['prompts/get', { name: 'plan' }],
  ['resources/read', { uri: 'notes://1' }],
  ['completion/complete', reference],
  ['tools/list', {}],
  ['prompts/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
]

const REVISIONS: Revision[] = ['2025-06-18', '2025-11-25', '2026-07-28']
/** As the client gets it without middleware, but for what the middleware makes private. */
const isPrivate = (result: JsonObject) => ('cacheScope' in result ? { ...result, cacheScope: 'private' } : result)

describe.each(METHODS)('%s %j', (method, params) => {
  it.each(REVISIONS)('has the same result through a middleware that changes nothing (%s)', async (revision) => {
    const plain = await request(build(), method, params, fakeChannel({ revision }))
    const server = build().use((_call, next) => next())
    expect(await request(server, method, params, fakeChannel({ revision }))).toEqual(isPrivate(plain))
  })

  it.each(REVISIONS)('has the same result through a middleware that copies it (%s)', async (revision) => {
    const plain = await request(build(), method, params, fakeChannel({ revision }))
    const server = build().use(async (_call, next) => ({ ...(await next()) }))
    expect(await request(server, method, params, fakeChannel({ revision }))).toEqual(isPrivate(plain))
  })

  it('is described to the middleware, which gets the context of the handler', async () => {
    const seen: unknown[] = []
    const server = build().use((called, next) => {
      seen.push(called.method, called.params, called.ctx.client.info?.name, called.ctx.meta)
      return next()
    })
    await request(server, method, { ...params, _meta: { trace: 1 } })
    expect(seen).toEqual([method, { ...params, _meta: { trace: 1 } }, 'fake', { trace: 1 }])
  })

  it('may be refused with a JSON-RPC error', async () => {
    const server = build().use(() => {
      throw new ProtocolError(-32_050, 'closed today', { until: 'noon' })
    })
    await expect(request(server, method, params)).rejects.toMatchObject({ code: -32_050, message: 'closed today' })
  })

  it('is an error that names the fault where the middleware returns no result', async () => {
    const server = build().use((() => undefined) as never)
    const outcome = await request(server, method, params).then(
      ({ isError, content }) => [isError, content[0].text],
      ({ code, message }) => [code, message],
    )
    expect(outcome[0]).toBe(method === 'tools/call' ? true : ErrorCode.InternalError)
    expect(outcome[1]).toMatch(/^A middleware returned no valid result.*undefined/)
  })
})

describe('params', () => {
  it('may be repaired before they are checked: a host encodes arguments twice', async () => {
    const server = build().use(({ method, params }, next) => {
      if (method !== 'tools/call' || typeof params.arguments !== 'string') return next()
      return next({ ...params, arguments: JSON.parse(params.arguments) })
    })
    expect(await request(server, 'tools/call', { name: 'add', arguments: '{"a":1,"b":2}' })).toEqual(text('3'))
    expect(await call(server, 'add', { a: 1, b: 3 })).toEqual(text('4'))
    await expect(request(build(), 'tools/call', { name: 'add', arguments: '{"a":1,"b":2}' })).rejects.toThrow(
      '"arguments"',
    )
  })

  it('may be changed in place; the request itself stays as it was', async () => {
    const params = { name: 'add', arguments: { a: '1', b: 2 } }
    const server = build().use((called, next) => {
      const args = called.params.arguments as { a: unknown }
      args.a = Number(args.a)
      return next()
    })
    expect(await request(server, 'tools/call', params)).toEqual(text('3'))
    expect(params).toEqual({ name: 'add', arguments: { a: '1', b: 2 } })
  })

  it('that are changed are those of the context', async () => {
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('meta', {}, (ctx) => text(JSON.stringify(ctx.meta)))
    server.use(({ params }, next) => next({ ...params, _meta: { user: 'ada' } }))
    expect(await call(server, 'meta')).toEqual(text('{"user":"ada"}'))
  })

  it.each([null, 'x', []])('that are no object (%j) are an error', async (params) => {
    const server = build().use((_call, next) => next(params as never))
    expect((await call(server, 'add', { a: 1, b: 2 })).content[0].text).toMatch(/params must be an object/)
  })
})

describe('several middlewares', () => {
  it('run in the order in which they were added, and see what the next one returns', async () => {
    const log: string[] = []
    const named =
      (name: string): Middleware =>
      async ({ params }, next) => {
        log.push(`${name} ${params.by ?? ''}`)
        const result = await next({ ...params, by: name })
        log.push(`${name} done`)
        return { ...result, content: [...(result.content as object[]), { type: 'text', text: name }] }
      }
    const server = build().use(named('one')).use(named('two'))
    const { content } = await call(server, 'add', { a: 1, b: 2 })
    expect(log).toEqual(['one ', 'two one', 'two done', 'one done'])
    expect(content.map((block: JsonObject) => block.text)).toEqual(['3', 'two', 'one'])
  })

  it('that are added later act on later requests', async () => {
    const server = build()
    const dispatcher = dispatcherOf(server)
    const run = () => dispatcher.dispatch('tools/call', { name: 'add', arguments: { a: 1, b: 2 } }, fakeChannel())
    expect(run()).toEqual(text('3'))
    server.use(() => text('other'))
    expect(await run()).toEqual(text('other'))
  })

  it.each([undefined, null, {}, 'x'])('are functions: %j is refused', (middleware) => {
    expect(() => build().use(middleware as never)).toThrow(/server\.use: the middleware is .* and must be a function/)
  })
})

describe('next', () => {
  it('may be called once', async () => {
    const server = build().use(async (_call, next) => {
      await next()
      return next()
    })
    expect(await call(server, 'add', { a: 1, b: 2 })).toEqual({
      ...text('A middleware called next() twice.'),
      isError: true,
    })
    await expect(request(server, 'tools/list')).rejects.toMatchObject({
      code: ErrorCode.InternalError,
      message: 'A middleware called next() twice.',
    })
  })

  it('may not be called after the middleware has returned', async () => {
    let late: (() => Promise<unknown>) | undefined
    let ran = 0
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('a', {}, () => {
      ran++
      return text('ran')
    })
    server.use((_call, next) => {
      late = next
      return text('mine')
    })
    expect(await call(server, 'a')).toEqual(text('mine'))
    await expect(late?.()).rejects.toThrow('next() was called after the middleware had returned.')
    expect(ran).toBe(0)
  })

  it('of an inner middleware runs nothing once an outer one has answered', async () => {
    let ran = 0
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('a', {}, () => {
      ran++
      return text('ran')
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    const inner: unknown[] = []
    server.use((_call, next) => {
      void next()
      return text('mine')
    })
    server.use(async (_call, next) => {
      await promise
      return next().catch((error: Error) => {
        inner.push(error.message)
        throw error
      })
    })
    expect(await call(server, 'a')).toEqual(text('mine'))
    resolve()
    await new Promise((settled) => setImmediate(settled))
    expect([ran, inner]).toEqual([0, ['next() was called after the middleware had returned.']])
  })

  it('gives the result of a tool that failed, and rejects with JSON-RPC errors', async () => {
    const seen: unknown[] = []
    const server = build().use(async (_call, next) => {
      try {
        const result = await next()
        seen.push(result.isError)
        return result
      } catch (error) {
        seen.push(error)
        throw error
      }
    })
    expect(await call(server, 'fail')).toEqual({ ...text('out of tea'), isError: true })
    await expect(call(server, 'none')).rejects.toThrow('Unknown tool "none".')
    expect(seen).toEqual([true, expect.any(ProtocolError)])
  })

  it('rejects with asks that are open, which end the run as without a middleware', async () => {
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('ask', {}, async (ctx) => {
      await ctx.elicit('?', z.object({}))
      return text('answered')
    })
    server.use((_call, next) => next())
    const answer = () => Promise.reject(new AskPending('elicit-1'))
    const channel = fakeChannel({ revision: '2026-07-28', capabilities: { elicitation: {} }, answer })
    await expect(call(server, 'ask', {}, channel)).rejects.toBeInstanceOf(AskPending)
  })

  it('that nobody awaits ends neither the process nor another call', async () => {
    const rejected: unknown[] = []
    const listener = (reason: unknown) => rejected.push(reason)
    process.on('unhandledRejection', listener)
    const server = build().use((_call, next) => {
      void next()
      return text('mine')
    })
    expect(await call(server, 'none')).toEqual(text('mine'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(rejected).toEqual([])
  })
})

test('asks of a middleware and of the handler have one order of keys', async () => {
  const server = new McpServer({ name: 'x', version: '1' })
  server.registerTool('ask', {}, async (ctx) => {
    await ctx.elicit('of the handler', z.object({}))
    return text('done')
  })
  server.use(async ({ ctx }, next) => {
    await ctx.elicit('of the middleware', z.object({}))
    return next()
  })
  const channel = fakeChannel({ capabilities: { elicitation: {} }, answer: () => ({ action: 'accept', content: {} }) })
  expect(await call(server, 'ask', {}, channel)).toEqual(text('done'))
  expect(channel.asked.map(({ key }) => key)).toEqual(['elicit-1', 'elicit-2'])
})

describe('an error that a middleware throws', () => {
  const server = build().use(() => {
    throw new RangeError('too many')
  })

  it('is the result of a tool, which a model can read', async () => {
    expect(await call(server, 'add', { a: 1, b: 2 })).toEqual({ ...text('too many'), isError: true })
  })

  it('is a JSON-RPC error of other methods', async () => {
    for (const [method, params] of METHODS.slice(1)) {
      await expect(request(server, method, params)).rejects.toMatchObject({ code: -32_603, message: 'too many' })
    }
  })
})

describe('the result of a middleware', () => {
  const answering = (result: unknown) => build().use((() => result) as never)

  it.each([
    ['tools/call', { name: 'add' }, { content: [{ type: 'txt', text: 'x' }] }, /content\[0\]\.type is "txt"/],
    ['tools/call', { name: 'add' }, { content: [], structuredContent: { n: 1n } }, /BigInt/],
    ['tools/call', { name: 'count' }, { structuredContent: { n: 'x' } }, /does not fit its output schema/],
    ['tools/call', { name: 'count' }, text('no n'), /there is no structuredContent/],
    ['prompts/get', { name: 'plan' }, { messages: [{ role: 'me', content: {} }] }, /messages\[0\]\.role/],
    ['resources/read', { uri: 'notes://1' }, { contents: [{ uri: 1 }] }, /contents\[0\]/],
    ['completion/complete', reference, { completion: { values: [1] } }, /completion\.values\[0\]/],
    ['completion/complete', reference, {}, /completion\.values is undefined/],
    ['tools/list', {}, { tools: [{ name: 'x' }] }, /tools\[0\]\.inputSchema/],
    [
      'tools/list',
      {},
      { tools: [{ name: 'x', inputSchema: { type: 'string' } }] },
      /inputSchema\.type must be "object"/,
    ],
    ['tools/list', {}, { tools: [], nextCursor: 5 }, /nextCursor/],
    ['prompts/list', {}, { prompts: [{}] }, /prompts\[0\]\.name/],
    ['resources/list', {}, { resources: [{ name: 'x' }] }, /resources\[0\]\.uri/],
    ['resources/templates/list', {}, { resourceTemplates: [{ name: 'x' }] }, /uriTemplate/],
  ] as [string, JsonObject, unknown, RegExp][])('of %s %j is checked', async (method, params, result, expected) => {
    const outcome = await request(answering(result), method, params).then(
      ({ isError, content }) => (isError ? content[0].text : 'valid'),
      ({ message }) => message,
    )
    expect(outcome).toMatch(expected)
  })

  it('is as the revision has it', async () => {
    const audio = { content: [{ type: 'audio', data: '', mimeType: 'audio/wav' }], structuredContent: { n: 2 } }
    const server = answering(audio)
    expect(await call(server, 'add', {}, fakeChannel({ revision: '2024-11-05' }))).toEqual(
      text('[audio, audio/wav: not in this version of the protocol]'),
    )
    expect(await call(server, 'add', {}, fakeChannel({ revision: '2026-07-28' }))).toEqual(audio)
    const tools = [{ name: 'x', title: 'X', inputSchema: { type: 'object' } }]
    const list = answering({ tools })
    expect(await request(list, 'tools/list', {}, fakeChannel({ revision: '2024-11-05' }))).toEqual({
      tools: [{ name: 'x', inputSchema: { type: 'object' } }],
    })
  })

  it('gets a text for its structured content, as that of a handler does', async () => {
    expect(await call(answering({ structuredContent: { n: 7 } }), 'count')).toEqual({
      ...text('{"n":7}'),
      structuredContent: { n: 7 },
    })
  })

  it('is checked by the schema of the tool where it was changed in place', async () => {
    const server = build().use(async (_call, next) => {
      const result = await next()
      ;(result.structuredContent as JsonObject).n = 'x'
      return result
    })
    expect((await call(server, 'count')).content[0].text).toMatch(/does not fit its output schema/)
  })

  it('has the values of a completion up to the bound of the specification', async () => {
    const values = Array.from({ length: 150 }, (_, n) => `${n}`)
    const { completion } = await request(answering({ completion: { values } }), 'completion/complete', reference)
    expect(completion).toEqual({ values: values.slice(0, 100), total: 150, hasMore: true })
  })

  it('is private, with the time of the middleware or of the server', async () => {
    const channel = fakeChannel({ revision: '2026-07-28' })
    const contents = [{ uri: 'notes://1', text: 'for you' }]
    expect(
      await request(
        answering({ contents, ttlMs: 9, cacheScope: 'public' }),
        'resources/read',
        { uri: 'notes://1' },
        channel,
      ),
    ).toEqual({
      contents,
      ttlMs: 9,
      cacheScope: 'private',
    })
    expect(await request(answering({ tools: [], ttlMs: -1 }), 'tools/list', {}, channel)).toEqual({
      tools: [],
      ttlMs: 60_000,
      cacheScope: 'private',
    })
  })
})

describe('lists', () => {
  it('may be changed', async () => {
    const server = build().use(async ({ method }, next) => {
      const list = await next()
      if (method !== 'tools/list') return list
      const tools = list.tools as { name: string }[]
      return { ...list, tools: tools.filter(({ name }) => name !== 'fail') }
    })
    const { tools } = await request(server, 'tools/list')
    expect(tools.map(({ name }: JsonObject) => name)).toEqual(['add', 'count'])
    expect((await request(build(), 'tools/list')).tools).toHaveLength(3)
  })

  it('that a middleware does not look into are sent as they are kept', async () => {
    const server = build().use(async (_call, next) => next())
    const dispatcher = dispatcherOf(server)
    const first = await dispatcher.dispatch('tools/list', {}, fakeChannel())
    expect(first).toBeInstanceOf(RawJson)
    expect(await dispatcher.dispatch('tools/list', {}, fakeChannel())).toBe(first)
  })

  it('that are changed in place change for that request alone', async () => {
    let changes = true
    const server = build().use(async (_call, next) => {
      const list = await next()
      if (changes) {
        ;(list.tools as unknown[]).pop()
        list._meta = { changed: true }
        delete list.nothing
        Object.defineProperty(list, 'extra', { value: 1, enumerable: true, configurable: true, writable: true })
      }
      return list
    })
    const changed = await request(server, 'tools/list')
    expect([changed.tools.length, changed._meta, changed.extra]).toEqual([2, { changed: true }, 1])
    changes = false
    const { tools, ...rest } = await request(server, 'tools/list')
    expect([tools.length, rest]).toEqual([3, {}])
  })

  it('that a middleware keeps for later requests are as the revision of each has them', async () => {
    let kept: JsonObject | undefined
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('a', { title: 'A title' }, () => text('a'))
    server.use(async (_call, next) => {
      kept ??= await next()
      return kept
    })
    const titles = async (revision: Revision) =>
      (await request(server, 'tools/list', {}, fakeChannel({ revision }))).tools[0].title
    expect(await titles('2025-11-25')).toBe('A title')
    expect(await titles('2024-11-05')).toBe(undefined)
    expect(await titles('2025-11-25')).toBe('A title')
  })

  it('can be frozen', async () => {
    const server = build().use(async (_call, next) => Object.freeze(await next()))
    expect((await request(server, 'tools/list')).tools).toHaveLength(3)
  })

  it('can be printed, and asked for their members', async () => {
    const seen: unknown[] = []
    const server = build().use(async (_call, next) => {
      const list = await next()
      seen.push(inspect(list, { depth: 0 }), 'tools' in list, Object.keys(list))
      return list
    })
    await request(server, 'tools/list')
    expect(seen).toEqual([expect.stringContaining('tools'), true, ['tools']])
  })

  it('are made anew for clients when the first middleware is added: they may have been for every client', async () => {
    const server = build({ cacheHints: { 'tools/list': { cacheScope: 'public' } } })
    const list = () => request(server, 'tools/list', {}, fakeChannel({ revision: '2026-07-28' }))
    expect(await list()).toMatchObject({ cacheScope: 'public' })
    server.use((_call, next) => next())
    expect(await list()).toMatchObject({ cacheScope: 'private' })
  })
})

describe('a middleware that renames a tool', () => {
  const renaming = () => {
    const server = new McpServer({ name: 'x', version: '1' })
    let ran = 0
    const run = () => {
      ran++
      return text('ran')
    }
    server.registerTool('open', { annotations: { readOnlyHint: true } }, run)
    server.registerTool('scoped', { requiredScopes: ['write'] }, run)
    server.registerTool('hidden', { visible: ({ auth }) => auth?.scopes.includes('admin') === true }, run)
    server.registerTool('effect', {}, run)
    server.use(({ params }, next) => next({ ...params, name: (params.arguments as JsonObject).as }))
    return { server, ran: () => ran }
  }

  it('reaches no tool whose scopes the caller lacks', async () => {
    const { server, ran } = renaming()
    await expect(call(server, 'open', { as: 'scoped' }, fakeChannel({ scopes: [] }))).rejects.toThrow('lacks scopes')
    await expect(call(server, 'open', { as: 'scoped' }, fakeChannel())).rejects.toThrow('lacks scopes')
    expect(ran()).toBe(0)
    expect(await call(server, 'open', { as: 'scoped' }, fakeChannel({ scopes: ['write'] }))).toEqual(text('ran'))
  })

  it('reaches no tool that is hidden from the caller', async () => {
    const { server, ran } = renaming()
    await expect(call(server, 'open', { as: 'hidden' }, fakeChannel({ scopes: [] }))).rejects.toThrow(
      'Unknown tool "hidden".',
    )
    expect(ran()).toBe(0)
    expect(await call(server, 'open', { as: 'hidden' }, fakeChannel({ scopes: ['admin'] }))).toEqual(text('ran'))
  })

  it('does not have a tool run again that must not be', async () => {
    const { server, ran } = renaming()
    const second = { ...fakeChannel(), takenOver: true }
    await expect(call(server, 'open', { as: 'effect' }, second)).rejects.toThrow('whether it had an effect is unknown')
    expect(ran()).toBe(0)
    expect(await call(server, 'open', { as: 'open' }, second)).toEqual(text('ran'))
  })
})

test('without middleware a call that returns at once makes no promise', () => {
  const dispatched = dispatcherOf(build()).dispatch(
    'tools/call',
    { name: 'add', arguments: { a: 1, b: 2 } },
    fakeChannel(),
  )
  expect(dispatched).toEqual(text('3'))
})
