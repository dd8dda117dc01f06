/** Streams ask for scopes with the token of the request that carries them, on every instance. */

import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { NodeInstance } from '../deploy/node-instance.ts'
import { type JsonServer, Signer, serveJson } from '../support/authorization.ts'
import { EventReader, post, type RawSession, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const RESOURCE = 'https://mcp.example/mcp'
const ENTRY = fileURLToPath(new URL('../support/node-entry.ts', import.meta.url))
const SERVER = fileURLToPath(new URL('../fixtures/scoped.ts', import.meta.url))

let as: JsonServer
let signer: Signer
let redis: RedisServer
let instances: NodeInstance[]
const readers: EventReader[] = []

beforeAll(async () => {
  as = await serveJson((path) => (path === '/keys' ? signer.keys : { issuer: as.url, jwks_uri: `${as.url}/keys` }))
  signer = await Signer.create(as.url, RESOURCE)
  redis = await startRedis()
})
beforeEach(async () => {
  const env = {
    REDIS_URL: redis.url,
    AUTH_ISSUER: as.url,
    AUTH_AUDIENCE: RESOURCE,
    LEGACY_SSE: '1',
    LEASE_SECONDS: '3',
  }
  instances = await Promise.all([1, 2, 3].map(() => NodeInstance.start(ENTRY, env, SERVER)))
})
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.drop()
  await Promise.all(instances.map((instance) => instance.stop()))
})
afterAll(async () => {
  await as.close()
  await redis.stop()
})

const at = (index: number) => instances[index]?.url ?? new URL('http://nowhere.invalid')

async function bearer(scope: string, sub = 'ada'): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await signer.token({ scope, sub })}` }
}

async function initialized(scope: string, version = '2025-11-25', sub = 'ada'): Promise<RawSession> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await post(at(0), request(0, 'initialize', params), { headers: await bearer(scope, sub) })
  expect(response.status).toBe(200)
  return { id: response.headers.get('mcp-session-id') ?? '', version }
}

async function get(index: number, session: RawSession, headers: Record<string, string>, lastEventId?: string) {
  return fetch(at(index), {
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      'mcp-protocol-version': session.version,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      ...headers,
    },
  })
}

function read(response: Response): EventReader {
  expect(response.status).toBe(200)
  const reader = new EventReader(response)
  readers.push(reader)
  return reader
}

async function done(index: number, session: RawSession | undefined, message: object, headers: Record<string, string>) {
  const response = await post(at(index), message, { ...(session && { session }), headers })
  expect(response.status).toBe(200)
  await response.text()
}

/** Begins the call on the first instance, and stops reading after its first message. */
async function begun(session: RawSession, headers: Record<string, string>): Promise<string> {
  const stream = read(await post(at(0), toolCall(1, 'report', {}, { progressToken: 1 }), { session, headers }))
  await stream.until(({ method }) => method === 'notifications/progress')
  return stream.lastId ?? ''
}

async function expectChallenge(response: Response): Promise<void> {
  expect(response.status).toBe(403)
  const challenge = response.headers.get('www-authenticate')
  expect(challenge).toContain('error="insufficient_scope"')
  expect(challenge).toMatch(/ scope="notes:read[ "]/)
  expect(challenge).toContain('resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/')
  expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
}

describe('a token that lost a scope', () => {
  test('gets no result by resuming, on any instance, and a token with the scope gets it', async () => {
    const [full, less] = [await bearer('notes:read', 'resumer'), await bearer('other', 'resumer')]
    const session = await initialized('notes:read', '2025-11-25', 'resumer')
    const lastId = await begun(session, full)
    for (const index of [0, 1, 2]) await expectChallenge(await get(index, session, less, lastId))
    await done(1, session, toolCall(2, 'finish'), less)
    // The result is in the log now.
    for (const index of [0, 1, 2]) await expectChallenge(await get(index, session, less, lastId))
    const result = await read(await get(2, session, full, lastId)).until(({ id }) => id === 1)
    expect(result.message?.result).toMatchObject({ content: [{ text: 'the report' }] })
  })

  test('does not have a call of a dead instance run again, and a token with the scope does', async () => {
    const [full, less] = [await bearer('notes:read', 'taker'), await bearer('', 'taker')]
    const session = await initialized('notes:read', '2025-11-25', 'taker')
    const lastId = await begun(session, full)
    await instances[0]?.stop()
    await expectChallenge(await get(1, session, less, lastId))
    await done(1, session, toolCall(2, 'finish'), less)
    const result = await read(await get(2, session, full, lastId)).until(({ id }) => id === 1)
    expect(result.message?.result).toMatchObject({ content: [{ text: 'the report' }] })
  })

  test('resumes a batch only where it has the scopes of all its calls', async () => {
    const [full, less] = [await bearer('notes:read', 'batch'), await bearer('other', 'batch')]
    const session = await initialized('notes:read', '2025-03-26', 'batch')
    const batch = [toolCall(1, 'chat', {}, { progressToken: 1 }), toolCall(2, 'report', {}, { progressToken: 2 })]
    const stream = read(await post(at(0), batch, { session, headers: full }))
    await stream.until(({ params }) => params?.progressToken === 2)
    // An id from before the end of the first call, which names both.
    const lastId = stream.events.find(({ id }) => id?.includes('!'))?.id ?? ''
    expect(lastId).toContain('!')
    await expectChallenge(await get(1, session, less, lastId))
    await done(1, session, toolCall(3, 'finish'), less)
    await read(await get(1, session, full, lastId)).until(({ id }) => id === 2)
  })

  test('gets no updates of what it may no longer read, and a later token gets what was left out', async () => {
    const [full, less] = [await bearer('notes:read', 'reader'), await bearer('', 'reader')]
    const session = await initialized('notes:read', '2025-11-25', 'reader')
    for (const uri of ['notes://secret', 'notes://open'])
      await done(1, session, request(1, 'resources/subscribe', { uri }), full)
    const touch = toolCall(2, 'touch', { uris: ['notes://secret', 'notes://open'] })
    const updates = async (reader: EventReader, until: string) => {
      const seen: RpcMessage[] = []
      await reader.until((message) => {
        seen.push(message)
        return message.params?.uri === until
      })
      return seen.map(({ params }) => params?.uri)
    }

    // Made while no stream is open, and while one is.
    const before = read(await get(0, session, full))
    await done(1, session, touch, less)
    expect(await updates(before, 'notes://open')).toEqual(['notes://secret', 'notes://open'])
    const lastId = before.lastId
    before.drop()
    await done(1, session, touch, less)
    const weak = read(await get(2, session, less, lastId))
    expect(await updates(weak, 'notes://open')).toEqual(['notes://open'])
    await done(0, session, touch, less)
    expect(await updates(weak, 'notes://open')).toEqual(['notes://open'])

    // What the weak token was not sent is in the log.
    const again = read(await get(1, session, full, lastId))
    const uris = [...(await updates(again, 'notes://open')), ...(await updates(again, 'notes://open'))]
    expect(uris).toEqual(['notes://secret', 'notes://open', 'notes://secret', 'notes://open'])
    // A subscription that a token with the scope makes while the stream is open counts for the stream.
    again.drop()
    const stepUp = read(await get(2, session, less))
    await done(0, session, request(9, 'resources/subscribe', { uri: 'notes://secret' }), full)
    await done(1, session, touch, less)
    expect(await updates(stepUp, 'notes://open')).toEqual(['notes://secret', 'notes://open'])
  })

  test('opens no subscriptions/listen for what it may no longer read', async () => {
    const listen = async (scope: string) =>
      post(
        at(1),
        request(1, 'subscriptions/listen', {
          notifications: { resourceSubscriptions: ['notes://open', 'NOTES://secret'] },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        }),
        {
          headers: {
            ...(await bearer(scope)),
            'mcp-protocol-version': '2026-07-28',
            'mcp-method': 'subscriptions/listen',
          },
        },
      )
    await expectChallenge(await listen(''))
    read(await listen('notes:read'))
  })

  test('gets neither results nor updates over HTTP+SSE', async () => {
    const [full, less] = [await bearer('notes:read', 'sse'), await bearer('', 'sse')]
    const open = await fetch(new URL('/sse', at(0)), { headers: { accept: 'text/event-stream', ...less } })
    const stream = read(open)
    const address = (await stream.next())?.data ?? ''
    const send = (index: number, message: object, headers: Record<string, string>) =>
      post(new URL(address, at(index)), message, { headers })
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 't', version: '1' } }
    expect((await send(1, request(0, 'initialize', params), less)).status).toBe(202)
    await stream.until(({ id }) => id === 0)
    await expectChallenge(await send(1, toolCall(1, 'report'), less))
    await expectChallenge(await send(2, request(2, 'resources/subscribe', { uri: 'notes://secret' }), less))
    expect((await send(2, request(3, 'resources/subscribe', { uri: 'notes://open' }), less)).status).toBe(202)
    await stream.until(({ id }) => id === 3)
    expect((await send(1, toolCall(4, 'touch', { uris: ['notes://secret', 'notes://open'] }), full)).status).toBe(202)
    const event = await stream.until(({ method }) => method === 'notifications/resources/updated')
    expect(event.message?.params).toEqual({ uri: 'notes://open' })
  })
})

describe('a change that is announced to the caller only', () => {
  const METHODS = ['notifications/prompts/list_changed', 'notifications/tools/list_changed']

  async function listening(index: number, sub: string): Promise<EventReader> {
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
    const params = {
      notifications: { promptsListChanged: true, toolsListChanged: true, resourceSubscriptions: ['notes://open'] },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }
    const message = request(1, 'subscriptions/listen', params)
    const reader = read(await post(at(index), message, { headers: { ...headers, ...(await bearer('', sub)) } }))
    await reader.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    return reader
  }
  const methodsUntil = async (reader: EventReader, last: string) => {
    const methods: (string | undefined)[] = []
    await reader.until(({ method }) => {
      methods.push(method)
      return method === last
    })
    return methods
  }

  test('reaches the streams of that principal on every instance, sessions and listen alike, and no others', async () => {
    const streams = async (sub: string) => {
      const session = await initialized('', '2025-11-25', sub)
      const other = await initialized('', '2025-06-18', sub)
      const headers = await bearer('', sub)
      await done(0, session, request(1, 'resources/subscribe', { uri: 'notes://open' }), headers)
      await done(0, other, request(1, 'resources/subscribe', { uri: 'notes://open' }), headers)
      return [
        read(await get(1, session, headers)),
        read(await get(2, other, headers)),
        await listening(0, sub),
        await listening(2, sub),
      ]
    }
    const [own, foreign] = [await streams('ada'), await streams('eve')]
    const away = await initialized('', '2025-11-25', 'eve')
    const session = await initialized('', '2025-11-25', 'ada')
    const headers = await bearer('', 'ada')
    await done(2, session, toolCall(1, 'change', { mine: true }), headers)
    for (const reader of own) {
      const methods = [...(await methodsUntil(reader, 'notifications/resources/updated'))]
      expect(methods.toSorted()).toEqual(['notifications/prompts/list_changed', 'notifications/resources/updated'])
    }
    // What comes next for everybody is the first that others hear of, also for a session that was away.
    await done(1, session, toolCall(2, 'change', { mine: false }), headers)
    const back = read(await get(1, away, await bearer('', 'eve')))
    for (const reader of [...foreign, back]) {
      const [, tools = ''] = METHODS
      expect(await methodsUntil(reader, tools)).toEqual([tools])
    }
  })

  test('costs Redis no command for the streams of others', async () => {
    const streams = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const session = await initialized('', '2025-11-25', `other-${i}`)
        return read(await get(i % 3, session, await bearer('', `other-${i}`)))
      }),
    )
    const session = await initialized('', '2025-11-25', 'ada')
    const headers = await bearer('', 'ada')
    const own = read(await get(0, session, headers))
    const client = new Redis(redis.url)
    const advances = async () => {
      const info = await client.info('commandstats')
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
    }
    const begin = await advances()
    for (let i = 0; i < 20; i++) {
      await done(1, session, toolCall(i, 'change', { mine: true }), headers)
      await methodsUntil(own, 'notifications/prompts/list_changed')
    }
    const spent = (await advances()) - begin
    client.disconnect()
    // A publication for each of the two changes, and a step of the one stream for each; without the principal, 12 more steps.
    expect(spent).toBeLessThan(20 * 12)
    expect(streams.every(({ events }) => events.length <= 1)).toBe(true)
  })
})
