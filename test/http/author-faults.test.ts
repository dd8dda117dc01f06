/**
 * Faults of an author: results that JSON cannot hold, errors that cannot be read, promises that nobody awaits. Each stays
 * a fault of its own call, in sessions, batches, HTTP+SSE, requests without a session and the stateless revision.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { ErrorCode, ProtocolError } from '../../lib/protocol/errors.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { ALL, body, META, headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request } from '../support/raw.ts'

const circular: Record<string, unknown> = { name: 'loop' }
circular.inner = [{ self: circular }]
const deep = () => {
  let value: unknown = 1
  for (let level = 0; level < 200_000; level++) value = { down: value }
  return value
}
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const throwing = {
  get price(): number {
    throw new Error('no price today')
  },
}

/** Values that no JSON has, and the text that names where each of them is below `place`. */
const UNSENDABLE: [string, () => unknown, (place: string) => string][] = [
  ['a BigInt', () => ({ list: [0, { id: 1n }] }), (place) => `${place}.list[1].id is a BigInt`],
  ['a circle', () => circular, (place) => `${place}.inner[0].self is circular`],
  [
    'a toJSON that throws',
    () => ({
      at: {
        toJSON: () => {
          throw new Error('not me')
        },
      },
    }),
    (place) => `${place}.at cannot be read: not me`,
  ],
  ['a getter that throws', () => ({ item: throwing }), (place) => `${place}.item.price cannot be read: no price today`],
  ['a revoked Proxy', () => ({ gone: revoked }), (place) => `${place}.gone cannot be read`],
  ['a value of 200,000 levels', deep, (place) => `${place}.down.down`],
]

const THROWN: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  [
    'an object whose toString throws',
    () => ({
      toString() {
        throw new Error('no')
      },
    }),
  ],
  ['an object without a prototype', () => Object.create(null)],
  [
    'an error whose message throws',
    () =>
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no')
        },
      }),
  ],
  ['an error whose message is a symbol', () => Object.assign(new Error('x'), { message: Symbol('no') })],
  ['a revoked Proxy', () => revoked],
  [
    'a ProtocolError whose data JSON cannot hold',
    () => new ProtocolError(ErrorCode.InvalidParams, 'with data', { id: 1n }),
  ],
  ['a ProtocolError whose code is no integer', () => new ProtocolError('five' as unknown as number, 'odd code')],
]

/** What the tool `act` and the other functions of the author do, set by each test. */
let act: (ctx: Context) => unknown = () => ({ content: [] })

const server = new McpServer({ name: 'author-faults', version: '1' })
server.registerTool('act', {}, (ctx) => act(ctx) as never)
server.registerResource('thing', 'thing://one', {}, async (_uri, ctx) => act(ctx) as never)
const listed = new ResourceTemplate('listed://{id}', {
  list: async (ctx) => act(ctx) as never,
  complete: { id: async (_typed, _context, ctx) => act(ctx) as never },
})
server.registerResource('listed', listed, {}, () => ({ contents: [] }))
server.registerPrompt('ask', {}, async (ctx) => act(ctx) as never)

let endpoint: Endpoint
const reported: unknown[] = []
const rejections: unknown[] = []
const note = (reason: unknown) => void rejections.push(reason)

beforeAll(() => {
  process.on('unhandledRejection', note)
  const onError = (error: unknown) => void reported.push(error)
  endpoint = createEndpoint(server, { onError, legacySse: true, http: { allowSessionless: true } })
})
afterAll(async () => {
  await endpoint.close()
  process.off('unhandledRejection', note)
})
/** An unhandled rejection is found when the microtasks of a turn are done. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
afterEach(async () => {
  await turn()
  await turn()
  expect(rejections.splice(0)).toEqual([])
  expect(endpoint.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
})

async function send(message: unknown, headers: Record<string, string> = {}, path = '/mcp'): Promise<Response> {
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers }
  const init = { method: 'POST', body: JSON.stringify(message), headers: all }
  return endpoint.fetch(new Request(`http://localhost${path}`, init))
}

async function readAll(response: Response): Promise<RpcMessage[]> {
  if (response.headers.get('content-type') === 'text/event-stream') return new EventReader(response).rest()
  return [await response.json()].flat() as RpcMessage[]
}

async function open(revision: string): Promise<Record<string, string>> {
  const capabilities = {}
  const params = { protocolVersion: revision, capabilities, clientInfo: { name: 't', version: '1' } }
  const response = await send(request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': revision }
}

type Params = Record<string, unknown>

function sendStateless(method: string, params: Params, capabilities = {}): Promise<Response> {
  const message = body({ method, params, capabilities, meta: { [META.logLevel]: 'debug' } })
  return send(message, statelessHeaders({ method, params }))
}

/** The ways of a request: each gives the response. */
const WAYS: [string, (method: string, params: Params) => Promise<RpcMessage | undefined>][] = [
  [
    'in a session',
    async (method, params) => (await readAll(await send(request(1, method, params), await open('2025-11-25')))).at(-1),
  ],
  [
    'in a batch',
    async (method, params) => {
      const batch = [request(7, 'ping'), request(1, method, params)]
      const answers = await readAll(await send(batch, await open('2025-03-26')))
      expect(answers.find(({ id }) => id === 7)?.result).toEqual({})
      return answers.find(({ id }) => id === 1)
    },
  ],
  [
    'without a session',
    async (method, params) =>
      (await readAll(await send(request(1, method, params), { 'mcp-protocol-version': '2025-06-18' }))).at(-1),
  ],
  ['in the stateless revision', async (method, params) => (await readAll(await sendStateless(method, params))).at(-1)],
  [
    'over HTTP+SSE',
    async (method, params) => {
      const response = await endpoint.fetch(
        new Request('http://localhost/sse', { headers: { accept: 'text/event-stream' } }),
      )
      const reader = new EventReader(response)
      const path = (await reader.next())?.data ?? ''
      expect((await send(request(1, method, params), {}, path)).status).toBe(202)
      const { message } = await reader.until(({ id }) => id === 1)
      reader.drop()
      await endpoint.settled()
      while (endpoint.stats().connections > 0) await turn()
      return message
    },
  ],
]

const COMPLETE = { ref: { type: 'ref/resource', uri: 'listed://{id}' }, argument: { name: 'id', value: '' } }
/** An object that is no promise and has a method `then`. */
function thenable(then: (ok: (value: unknown) => void, failed: (error: unknown) => void) => void): object {
  return Object.defineProperty({}, 'then', { value: then })
}

const CALL: [string, Params] = ['tools/call', { name: 'act', arguments: {} }]
const textOf = (message: RpcMessage | undefined) => message?.result?.content?.[0]?.text as string

describe.each(WAYS)('%s', (way, ask) => {
  const isOld = way === 'in a batch' || way === 'over HTTP+SSE'
  // Revisions before 2025-06-18 have no structured content; members that no revision has are the author's.
  const member = isOld ? 'extra' : 'structuredContent'

  describe.each([
    ['at once', (value: () => unknown) => () => value()],
    ['as a promise', (value: () => unknown) => async () => value()],
    [
      'after a message',
      (value: () => unknown) => async (ctx: Context) => {
        await ctx.log('info', 'hello')
        return value()
      },
    ],
  ])('a tool that returns %s', (_when, returning) => {
    test.each(UNSENDABLE)('%s has an error as its result that names the place', async (_what, value, text) => {
      act = returning(() => ({ content: [], [member]: value() }))
      const answer = await ask(...CALL)
      expect(answer?.result?.isError).toBe(true)
      expect(textOf(answer)).toContain(text(member))
    })
  })

  test.each([
    ['undefined', undefined, 'it is undefined'],
    ['a function', () => 1, 'it is a function'],
    ['a symbol', Symbol('x'), 'it is a symbol'],
    ['a number', 5, 'it is a number'],
    ['an array', [], 'it is an array'],
    ['a revoked Proxy', revoked, 'revoked'],
    ['a text that is undefined', { content: [{ type: 'text', text: undefined }] }, 'content[0].text is undefined'],
    ['a hole in its content', { content: [{ type: 'text', text: 'a' }, undefined] }, 'content[1] is undefined'],
    ['a BigInt as its structured content', { structuredContent: 1n }, 'structuredContent is a BigInt'],
    ['a function as its structured content', { structuredContent: () => 1 }, 'structuredContent is a function'],
    [
      'a blob that is a number',
      { content: [{ type: 'resource', resource: { uri: 'a://b', blob: 1 } }] },
      'content[0].resource.blob is a number',
    ],
    ['an object whose toJSON gives a text', { content: [], toJSON: () => 'text' }, 'must be an object'],
  ])('a tool that returns %s has an error as its result', async (_what, value, text) => {
    act = async () => value
    const answer = await ask(...CALL)
    expect(answer?.result?.isError).toBe(true)
    expect(textOf(answer)).toContain(text)
  })

  test.each(THROWN)('a tool that throws %s has an error', async (what, thrown) => {
    for (const fail of [
      () => {
        throw thrown()
      },
      async () => {
        throw thrown()
      },
      () => thenable((_ok, failed) => failed(thrown())),
      () =>
        thenable(() => {
          throw thrown()
        }),
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw thrown()
          },
        }),
    ]) {
      act = fail
      const answer = await ask(...CALL)
      const isProtocolError = what.startsWith('a ProtocolError')
      expect(isProtocolError ? answer?.error?.code : answer?.result?.isError).toBe(
        isProtocolError ? (what.includes('data') ? -32602 : -32603) : true,
      )
    }
  })

  test.each<[string, Params, (value: unknown) => unknown, string]>([
    [
      'resources/read',
      { uri: 'thing://one' },
      (value) => ({ contents: [{ uri: 'thing://one', text: 'a', _meta: value }] }),
      'contents[0]._meta',
    ],
    [
      'prompts/get',
      { name: 'ask' },
      (value) => ({ messages: [{ role: 'user', content: { type: 'text', text: 'a', _meta: value } }] }),
      'messages[0].content._meta',
    ],
    [
      'resources/list',
      {},
      (value) => ({ resources: [{ uri: 'listed://1', name: 'a', _meta: value }] }),
      'resources[1]._meta',
    ],
  ])(
    '%s with a result that JSON cannot hold is an internal error that names the place',
    async (method, params, wrap, place) => {
      for (const [, value, text] of UNSENDABLE) {
        act = async () => wrap(value())
        const answer = await ask(method, params)
        // Members that an older revision lacks are left out.
        if (answer?.result) expect(JSON.stringify(answer.result)).not.toContain('_meta"')
        else expect(answer?.error).toMatchObject({ code: -32603, message: expect.stringContaining(text(place)) })
      }
    },
  )

  test.each<[string, Params, unknown, string]>([
    [
      'resources/read',
      { uri: 'thing://one' },
      { contents: [{ uri: 'thing://one', text: undefined }] },
      'contents[0].text is undefined',
    ],
    ['resources/read', { uri: 'thing://one' }, { contents: [{ text: 'a' }] }, 'contents[0].uri is undefined'],
    ['resources/read', { uri: 'thing://one' }, undefined, 'it is undefined'],
    [
      'prompts/get',
      { name: 'ask' },
      { messages: [{ role: 'user', content: { type: 'text' } }] },
      'messages[0].content.text is undefined',
    ],
    ['prompts/get', { name: 'ask' }, { messages: [undefined] }, 'messages[0] is undefined'],
    ['prompts/get', { name: 'ask' }, () => 1, 'it is a function'],
    ['completion/complete', COMPLETE, undefined, 'completion.values is undefined'],
    ['completion/complete', COMPLETE, ['a', undefined], 'completion.values[1] is undefined'],
    ['completion/complete', COMPLETE, [1n], 'completion.values[0] is a BigInt'],
  ])(
    '%s with a result that lacks a text is an internal error that names the place',
    async (method, params, value, text) => {
      act = async () => value
      expect((await ask(method, params))?.error).toMatchObject({ code: -32603, message: expect.stringContaining(text) })
    },
  )

  test.each(THROWN)('resources and prompts that throw %s have an error', async (_what, thrown) => {
    act = async () => {
      throw thrown()
    }
    expect((await ask('resources/read', { uri: 'thing://one' }))?.error?.code).toBeLessThan(0)
    expect((await ask('prompts/get', { name: 'ask' }))?.error?.code).toBeLessThan(0)
  })
})

const LOST = [
  ['ctx.log', (ctx: Context) => ctx.log('info', { id: 1n }), 'params.data.id is a BigInt'],
  ['ctx.log of a function', (ctx: Context) => ctx.log('info', () => 1), 'params.data is a function'],
  ['ctx.notify', (ctx: Context) => ctx.notify('notifications/own', circular), 'params.inner[0].self is circular'],
  ['ctx.user.set', (ctx: Context) => ctx.user.set('a', { id: 1n }), 'value.id is a BigInt'],
  ['ctx.user.set of a function', (ctx: Context) => ctx.user.set('a', () => 1), 'value is a function'],
  ['ctx.handles.create', (ctx: Context) => ctx.handles.create([deep()]), 'value[0].down'],
] as const

describe.each(WAYS)('%s', (way, ask) => {
  test.each(LOST)('%s with a value that JSON cannot hold rejects with its place', async (_what, run, text) => {
    act = async (ctx) => {
      const failed = await Promise.resolve(run(ctx)).then(String, (error: Error) => `${error.name}: ${error.message}`)
      return { content: [{ type: 'text', text: failed }] }
    }
    expect(textOf(await ask(...CALL))).toContain(`NotJson: ${text}`)
  })

  test.each<[string, (ctx: Context) => Promise<unknown>]>([
    ...LOST.map(([what, run]): [string, (ctx: Context) => Promise<unknown>] => [what, run]),
    ['ctx.elicit', (ctx) => ctx.elicit('?', { type: 'object', properties: {} })],
    [
      'ctx.elicit with a schema that is no form',
      (ctx) => ctx.elicit('?', { type: 'object', properties: { a: { type: 'object' } } }),
    ],
    ['ctx.elicitUrl', (ctx) => ctx.elicitUrl('?', 'https://example.com')],
    ['ctx.sample', (ctx) => ctx.sample({ messages: [], maxTokens: 1 })],
    ['ctx.listRoots', (ctx) => ctx.listRoots()],
    ['ctx.once', (ctx) => ctx.once('a', () => Promise.reject(new Error('failed')))],
    ['ctx.session.set', (ctx) => ctx.session?.set('a', 1n) ?? Promise.resolve()],
  ])('a forgotten await before %s disturbs nobody', async (_what, run) => {
    act = async (ctx) => {
      run(ctx)
      await turn()
      return { content: [{ type: 'text', text: 'done' }] }
    }
    expect(textOf(await ask(...CALL))).toBe('done')
  })

  test('a ping that nobody awaits is rejected with the end of its call, and disturbs nobody', async () => {
    if (way === 'without a session') return
    act = async (ctx) => {
      ctx.ping()
      return { content: [{ type: 'text', text: 'done' }] }
    }
    expect(textOf(await ask(...CALL))).toBe('done')
  })
})

test('an ask that nobody awaits in the stateless revision is asked all the same', async () => {
  act = async (ctx) => {
    ctx.elicit('?', { type: 'object', properties: {} })
    await turn()
    return { content: [] }
  }
  const [answer] = await readAll(await sendStateless(...CALL, ALL))
  expect(answer?.result).toMatchObject({ resultType: 'input_required', inputRequests: { 'elicit-1': {} } })
})

test('an ask with parameters that JSON cannot hold, and a result of ctx.once, are errors that name the place', async () => {
  const asks: [(ctx: Context) => Promise<unknown>, string][] = [
    [(ctx) => ctx.sample({ messages: [], maxTokens: 1, metadata: { id: 1n } }), 'params.metadata.id is a BigInt'],
    [
      (ctx) => ctx.sample({ messages: [], maxTokens: 1, metadata: circular }),
      'params.metadata.inner[0].self is circular',
    ],
    [(ctx) => ctx.once('a', () => ({ id: 1n })), 'ctx.once("a").id is a BigInt'],
  ]
  for (const [run, text] of asks) {
    act = async (ctx) => {
      await run(ctx)
      return { content: [] }
    }
    const [answer] = await readAll(await sendStateless(...CALL, ALL))
    expect(answer?.result?.isError).toBe(true)
    expect(textOf(answer)).toContain(text)
  }
})

test('an onError that throws or rejects disturbs nobody', async () => {
  for (const onError of [
    () => {
      throw new Error('no log')
    },
    async () => {
      throw new Error('no log')
    },
  ]) {
    const other = createEndpoint(server, { onError })
    act = async () => ({ content: [], structuredContent: 1n })
    const message = body({ method: CALL[0], params: CALL[1] })
    const init = {
      method: 'POST',
      body: JSON.stringify(message),
      headers: {
        'content-type': 'application/json',
        accept: ACCEPT_BOTH,
        ...statelessHeaders({ method: CALL[0], params: CALL[1] }),
      },
    }
    const response = await other.fetch(new Request('http://localhost/mcp', init))
    expect((await readAll(response))[0]?.result?.isError).toBe(true)
    await other.close()
  }
})
