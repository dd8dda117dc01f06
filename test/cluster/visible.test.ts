/**
 * What each principal sees of a server, over HTTP: lists and requests agree, and nothing that is hidden differs from what does not
 * exist. With the memory store, and with three instances on one Redis.
 */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { body, headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH, answerOf, EventReader, type RpcMessage, request } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let endpoints: Endpoint[] = []
const readers: EventReader[] = []

beforeAll(async () => {
  redis = await startRedis()
  return () => redis.stop()
})
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.drop()
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
})

const PRINCIPALS = ['ada', 'bob', 'eve'] as const
/** Who sees what. */
const SEEN: Record<(typeof PRINCIPALS)[number], string[]> = {
  ada: ['open', 'team', 'scoped', 'both'],
  bob: ['open', 'team', 'scoped'],
  eve: ['open'],
}
/** `scoped` needs a scope that only ada has, and `both` is hidden from bob beside that. */
const SCOPED = ['scoped', 'both']

function build(): McpServer {
  const server = new McpServer({ name: 'principals', version: '1' })
  const sees = (name: string) => (caller: { auth: { subject: string } | undefined }) =>
    SEEN[caller.auth?.subject as 'ada']?.includes(name) === true
  for (const name of ['open', 'team', 'scoped', 'both']) {
    const config = {
      ...(name !== 'open' && { visible: sees(name) }),
      ...(SCOPED.includes(name) && { requiredScopes: ['write'] }),
    }
    const inputSchema = z.object({ region: z.string().optional().meta({ 'x-mcp-header': 'Region' }) })
    server.registerTool(name, { ...config, inputSchema }, () => ({ content: [{ type: 'text', text: name }] }))
    server.registerPrompt(name, config, () => ({ messages: [] }))
    server.registerResource(name, `notes://${name}`, config, (uri) => ({ contents: [{ uri: uri.href, text: name }] }))
    const template = new ResourceTemplate(`${name}s://{id}`, { complete: { id: () => ['1'] } })
    server.registerResource(`${name}s`, template, config, (uri) => ({ contents: [{ uri: uri.href, text: name }] }))
  }
  server.registerTool('touch', { inputSchema: z.object({ uri: z.string() }) }, async ({ uri }, ctx) => {
    await ctx.announce.resourceUpdated(uri)
    return { content: [] }
  })
  return server
}

const STORES = {
  'the memory store': () => [memoryStore()],
  'three instances': () => [1, 2, 3].map(() => redisStore(redis.url)),
}

let next = 0
/** A request to the next instance in turn. */
function send(name: string, init: RequestInit): Promise<Response> {
  const endpoint = endpoints[next++ % endpoints.length] as Endpoint
  const headers = { accept: ACCEPT_BOTH, authorization: `Bearer ${name}`, 'content-type': 'application/json' }
  return endpoint.fetch(new Request('https://mcp.example/mcp', { ...init, headers: { ...headers, ...init.headers } }))
}

function start(stores: keyof typeof STORES): void {
  const key = Buffer.alloc(32, 'a key of this test')
  endpoints = STORES[stores]().map((store) =>
    createEndpoint(build(), {
      store,
      keys: [key],
      auth: {
        resource: 'https://mcp.example/mcp',
        verify: (token) => ({ issuer: 'x', subject: token, scopes: token === 'ada' ? ['write'] : ['read'] }),
      },
    }),
  )
}

interface Answer {
  status: number
  challenge: string | null
  message: RpcMessage
}

type Ask = (
  name: string,
  method: string,
  params: Record<string, unknown>,
  more?: Record<string, string>,
) => Promise<Answer>

async function read(response: Response): Promise<Answer> {
  const challenge = response.headers.get('www-authenticate')
  return { status: response.status, challenge, message: await answerOf(response) }
}

async function open(name: string, version: string): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const opened = await send(name, { method: 'POST', body: JSON.stringify(request(0, 'initialize', params)) })
  return { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version }
}

const stateless: Ask = async (name, method, params, more) => {
  const asked = { method, params }
  return read(
    await send(name, {
      method: 'POST',
      body: JSON.stringify(body(asked)),
      headers: { ...statelessHeaders(asked), ...more },
    }),
  )
}

function inSessions(version: string): Ask {
  const sessions = new Map<string, Record<string, string>>()
  return async (name, method, params) => {
    const session = sessions.get(name) ?? (await open(name, version))
    sessions.set(name, session)
    return read(
      await send(name, { method: 'POST', body: JSON.stringify(request(1, method, params)), headers: session }),
    )
  }
}

const ERAS: [string, () => Ask][] = [
  ['2025-03-26', () => inSessions('2025-03-26')],
  ['2025-11-25', () => inSessions('2025-11-25')],
  ['2026-07-28', () => stateless],
]

/** What can be asked for by name, and for one that does not exist. */
const USES: [string, (name: string) => Record<string, unknown>][] = [
  ['tools/call', (name) => ({ name, arguments: {} })],
  ['prompts/get', (name) => ({ name })],
  ['resources/read', (name) => ({ uri: `notes://${name}` })],
  ['resources/read', (name) => ({ uri: `${name}s://1` })],
  ['completion/complete', (name) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'x', value: '' } })],
  [
    'completion/complete',
    (name) => ({ ref: { type: 'ref/resource', uri: `${name}s://{id}` }, argument: { name: 'id', value: '' } }),
  ],
]

const LISTS: [string, string, string][] = [
  ['tools/list', 'tools', ''],
  ['prompts/list', 'prompts', ''],
  ['resources/list', 'resources', ''],
  ['resources/templates/list', 'resourceTemplates', 's'],
]

const ALL = Object.keys(STORES) as (keyof typeof STORES)[]

describe.each(ALL)('with %s', (stores) => {
  describe.each(ERAS)('in %s', (_version, era) => {
    test.each(PRINCIPALS)('lists and requests of %s agree', async (principal) => {
      start(stores)
      const ask = era()
      const has = (name: string) => SEEN[principal].includes(name) && (principal === 'ada' || !SCOPED.includes(name))
      for (const [method, member, suffix] of LISTS) {
        const { message } = await ask(principal, method, {})
        const names = message.result[member].map(({ name }: { name: string }) => name)
        const seen = ['open', 'team', 'scoped', 'both'].filter(has).map((name) => `${name}${suffix}`)
        expect(names.filter((name: string) => name !== 'touch')).toEqual(seen)
      }
      for (const [method, paramsOf] of USES) {
        for (const name of ['open', 'team', 'scoped', 'both']) {
          const answer = await ask(principal, method, paramsOf(name))
          const isSeen = SEEN[principal].includes(name)
          if (isSeen && !has(name)) {
            // The caller may learn of it, and which scopes it needs.
            expect([answer.status, answer.challenge], `${method} ${name}`).toEqual([
              403,
              expect.stringContaining('write'),
            ])
            continue
          }
          if (isSeen) {
            expect(answer.message.error, `${method} ${name}`).toBe(undefined)
            continue
          }
          const missing = await ask(principal, method, paramsOf('miss'))
          expect(missing.message.error).toMatchObject({ code: expect.any(Number) })
          expect(JSON.stringify(answer).replaceAll(name, 'miss'), `${method} ${name}`).toBe(JSON.stringify(missing))
        }
      }
    })
  })

  test('Mcp-Param headers say nothing of a tool that is hidden', async () => {
    start(stores)
    const wrong = { 'mcp-param-region': 'elsewhere' }
    const args = { region: 'eu' }
    const seen = await stateless('bob', 'tools/call', { name: 'team', arguments: args }, wrong)
    expect(seen.message.error?.code).toBe(-32020)
    const hidden = await stateless('eve', 'tools/call', { name: 'team', arguments: args }, wrong)
    const missing = await stateless('eve', 'tools/call', { name: 'miss', arguments: args }, wrong)
    expect(JSON.stringify(hidden).replaceAll('team', 'miss')).toBe(JSON.stringify(missing))
  })

  test('a batch with a hidden tool has no challenge for it', async () => {
    start(stores)
    const session = await open('eve', '2025-03-26')
    const batch = (name: string) => [
      request(1, 'tools/call', { name: 'open', arguments: {} }),
      request(2, 'tools/call', { name, arguments: {} }),
    ]
    const sent = async (name: string) => {
      const response = await send('eve', { method: 'POST', body: JSON.stringify(batch(name)), headers: session })
      return [response.status, (await response.text()).replaceAll(name, 'miss')]
    }
    expect(await sent('both')).toEqual(await sent('miss'))
  })

  test('subscribing to a hidden resource is as to one that does not exist, and no update of it is sent', async () => {
    start(stores)
    const session = await open('eve', '2025-11-25')
    const post = async (message: object) =>
      answerOf(await send('eve', { method: 'POST', body: JSON.stringify(message), headers: session }))
    const opened = await send('eve', { method: 'GET', headers: session })
    expect(opened.status).toBe(200)
    const stream = new EventReader(opened)
    readers.push(stream)
    for (const uri of ['notes://both', 'notes://team', 'notes://miss', 'notes://open']) {
      expect(await post(request(1, 'resources/subscribe', { uri }))).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    }
    for (const uri of ['notes://both', 'notes://team', 'notes://open']) {
      await post(request(2, 'tools/call', { name: 'touch', arguments: { uri } }))
    }
    await stream.until(({ params }) => params?.uri === 'notes://open')
    expect(stream.events.flatMap(({ message }) => message?.params?.uri ?? [])).toEqual(['notes://open'])
  })

  test('listening to a hidden resource is as to one that does not exist, and no update of it is sent', async () => {
    start(stores)
    const listened = async (name: string, uris: string[]) => {
      const asked = { method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } }
      return send(name, { method: 'POST', body: JSON.stringify(body(asked)), headers: statelessHeaders(asked) })
    }
    // Bob sees the scoped resource and lacks its scope.
    expect((await listened('bob', ['notes://scoped'])).status).toBe(403)
    const opened = await listened('eve', ['notes://both', 'notes://team', 'notes://open'])
    expect(opened.status).toBe(200)
    const stream = new EventReader(opened)
    readers.push(stream)
    const acknowledged = await stream.message()
    expect(acknowledged?.params.notifications.resourceSubscriptions).toEqual([
      'notes://both',
      'notes://team',
      'notes://open',
    ])
    for (const uri of ['notes://both', 'notes://team', 'notes://open']) {
      await stateless('eve', 'tools/call', { name: 'touch', arguments: { uri } })
    }
    await stream.until(({ params }) => params?.uri === 'notes://open')
    expect(stream.events.flatMap(({ message }) => message?.params?.uri ?? [])).toEqual(['notes://open'])
  })
})

/** An endpoint with a resource that is hidden at first, and needs a scope that only ada has. */
function startWithFlag(): { endpoint: Endpoint; uris: string[]; show: () => void } {
  let isShown = false
  const server = new McpServer({ name: 'flags', version: '1' })
  const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'x' }] })
  server.registerResource('beta', 'notes://beta', { visible: () => isShown, requiredScopes: ['write'] }, contents)
  server.registerResource('open', 'notes://open', {}, contents)
  const verify = (token: string) => ({ issuer: 'x', subject: token, scopes: token === 'ada' ? ['write'] : [] })
  const endpoint = createEndpoint(server, { auth: { resource: 'https://mcp.example/mcp', verify } })
  endpoints = [endpoint]
  const show = () => {
    isShown = true
  }
  return { endpoint, uris: ['notes://beta', 'notes://open'], show }
}

/** The resources whose updates each stream gets, up to that of the open one. */
async function heardOn(streams: EventReader[]): Promise<string[][]> {
  const heard: string[][] = []
  for (const stream of streams) {
    await stream.until(({ params }) => params?.uri === 'notes://open')
    heard.push(stream.events.flatMap(({ message }) => message?.params?.uri ?? []))
  }
  return heard
}

test('a resource that is shown while a client is subscribed to it needs its scopes', async () => {
  const { endpoint, uris, show } = startWithFlag()
  const streams: EventReader[] = []
  for (const name of ['ada', 'eve']) {
    const session = await open(name, '2025-11-25')
    const stream = new EventReader(await send(name, { method: 'GET', headers: session }))
    streams.push(stream)
    readers.push(stream)
    for (const uri of uris) {
      const message = JSON.stringify(request(1, 'resources/subscribe', { uri }))
      const answer = await answerOf(await send(name, { method: 'POST', body: message, headers: session }))
      expect(answer.result).toEqual({})
    }
  }
  show()
  for (const uri of uris) await endpoint.notify.resourceUpdated(uri)
  expect(await heardOn(streams)).toEqual([uris, ['notes://open']])
})

test('a resource that is shown while a client listens needs its scopes', async () => {
  const { endpoint, uris, show } = startWithFlag()
  const asked = { method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } }
  const streams: EventReader[] = []
  for (const name of ['ada', 'eve']) {
    const init = { method: 'POST', body: JSON.stringify(body(asked)), headers: statelessHeaders(asked) }
    const stream = new EventReader(await send(name, init))
    streams.push(stream)
    readers.push(stream)
    await stream.message()
  }
  show()
  for (const uri of uris) await endpoint.notify.resourceUpdated(uri)
  expect(await heardOn(streams)).toEqual([uris, ['notes://open']])
})

test('visible gets the three members of a caller from every request, and no key of its session', async () => {
  const seen = new Set<string>()
  const server = new McpServer({ name: 'callers', version: '1' })
  const visible = (caller: object) => {
    seen.add(Object.keys(caller).sort().join())
    return true
  }
  server.registerTool('a', { visible, requiredScopes: ['read'] }, () => ({ content: [] }))
  const verify = () => ({ issuer: 'x', subject: 'u', scopes: ['read'] })
  endpoints = [createEndpoint(server, { auth: { resource: 'https://mcp.example/mcp', verify } })]
  for (const ask of [inSessions('2025-03-26'), inSessions('2025-11-25'), stateless]) {
    for (const method of ['tools/call', 'tools/list']) {
      expect((await ask('u', method, { name: 'a', arguments: {} })).message.error).toBe(undefined)
    }
  }
  expect([...seen]).toEqual(['auth,client,revision'])
})

test('a session may see other entries than another one of its caller: its client decides', async () => {
  const server = new McpServer({ name: 'clients', version: '1' })
  server.registerTool(
    'beta',
    { requiredScopes: ['write'], visible: ({ client }) => client?.info?.name === 'beta-client' },
    () => ({ content: [] }),
  )
  server.registerTool('open', {}, () => ({ content: [] }))
  endpoints = [
    createEndpoint(server, {
      auth: { resource: 'https://mcp.example/mcp', verify: () => ({ issuer: 'x', subject: 'u', scopes: [] }) },
    }),
  ]
  const statusOf = async (clientName: string) => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: clientName, version: '1' } }
    const opened = await send('u', { method: 'POST', body: JSON.stringify(request(0, 'initialize', params)) })
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const call = JSON.stringify(request(1, 'tools/call', { name: 'beta', arguments: {} }))
    return (await send('u', { method: 'POST', body: call, headers })).status
  }
  expect(await statusOf('beta-client')).toBe(403)
  expect(await statusOf('other')).toBe(200)
  // Without a session there is no client to decide by.
  expect((await stateless('u', 'tools/call', { name: 'beta', arguments: {} })).status).toBe(200)
})
