/** Handlers written for the official SDK, through three instances on one Redis: asks, the URL, the session id, a death. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { getStream, initialize, post, postStream, type RpcMessage, toolCall } from '../support/raw.ts'

let fleet: Fleet

beforeAll(async () => {
  // The test reads and changes what is stored.
  fleet = await startFleet({ legacySse: true, unsealed: 'write', session: { lease: 2_000, heartbeat: 500 } })
})
afterAll(() => fleet.stop())

const meta = { progressToken: 'p' }
const textOf = (message: RpcMessage | undefined) => JSON.parse(message?.result?.content[0].text ?? 'null')
const parsed = (result: object) => JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? 'null')
const atQuery = (index: number) => new URL(`${fleet.at(index)}?project=a%20b&key=1`)

test.each([
  ['official_ask', '2025-06-18'],
  ['official_ask', '2025-11-25'],
  ['official_ask_2', '2025-06-18'],
  ['official_ask_2', '2025-11-25'],
])('%s gets the answer that is posted to another instance (%s)', async (name, version) => {
  const session = await initialize(fleet.at(2), version)
  const stream = await postStream(fleet.at(0), toolCall(1, name), { session })
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  const result = { action: 'accept', content: { number: 7 } }
  expect((await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, result }, { session })).status).toBe(202)
  const pid = fleet.instances[0]?.child.pid
  expect(textOf((await stream.rest()).at(-1))).toMatchObject({ ...result, pid })
})

describe.each(['legacy', 'auto'] as const)('the official client 2.x in mode %s', (mode) => {
  test('answers both kinds of asks, and is seen with its URL and session', async () => {
    const capabilities = { elicitation: { form: {} } }
    const client = new Client2({ name: 'two', version: '2' }, { capabilities, versionNegotiation: { mode } })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: { number: 7 } }))
    const url = new URL(`${fleet.url}?project=x`)
    const transport = new Transport2(url)
    await client.connect(transport)
    const answer = { action: 'accept', content: { number: 7 } }
    expect(parsed(await client.callTool({ name: 'official_ask' }))).toMatchObject(answer)
    const modern = mode === 'auto'
    expect(parsed(await client.callTool({ name: 'official_ask_2' }))).toMatchObject({
      ...answer,
      method: 'tools/call',
      modern,
    })
    const where = parsed(await client.callTool({ name: 'official_where', arguments: {} }))
    expect(new URL(where.url).search).toBe('?project=x')
    expect(where.sessionId).toBe(modern ? undefined : transport.sessionId)
    await client.close()
  })
})

test.each([
  ['Streamable HTTP', '/mcp', (url: URL) => new Transport1(url)],
  ['HTTP+SSE', '/sse', (url: URL) => new SSEClientTransport(url)],
])('the official client 1.x answers an ask over %s, and gets progress', async (_name, path, connect) => {
  const client = new Client1({ name: 'one', version: '1' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept' as const, content: { number: 7 } }))
  const transport = connect(new URL(path, fleet.url))
  await client.connect(transport as Parameters<typeof client.connect>[0])
  expect(parsed(await client.callTool({ name: 'official_ask' }))).toMatchObject({ content: { number: 7 } })
  const progress: number[] = []
  const onprogress = (one: { progress: number }) => void progress.push(one.progress)
  const arguments_ = { n: 2, delayMs: 20 }
  const called = client.callTool({ name: 'official_where', arguments: arguments_ }, undefined, { onprogress })
  const { url, sessionId } = parsed(await called)
  expect(progress[0]).toBe(1)
  expect(sessionId).toBeTruthy()
  const id = 'sessionId' in transport ? transport.sessionId : new URL(url).searchParams.get('sessionId')
  expect(sessionId).toBe(id)
  await client.close()
})

describe('a call whose instance dies', () => {
  async function interrupted() {
    const session = await initialize(fleet.at(1))
    const stream = await postStream(atQuery(0), toolCall('r', 'official_where', { n: 30, delayMs: 20 }, meta), {
      session,
    })
    await stream.until(({ params }) => params?.progress === 3)
    return { session, stream }
  }
  /** Kills the first instance; the client comes back to the second one, at another URL. */
  async function comesBack({ session, stream }: Awaited<ReturnType<typeof interrupted>>) {
    await fleet.instances[0]?.kill()
    await stream.rest()
    const resumed = await getStream(new URL('?other=1', fleet.at(1)), session, stream.lastId)
    const result = textOf((await resumed.rest()).at(-1))
    expect(result.pid).toBe(fleet.instances[1]?.child.pid)
    expect(result.sessionId).toBe(session.id)
    await fleet.restart(0)
    return result.url
  }

  test('has its URL and session id in its second run', async () => {
    const call = await interrupted()
    const url = atQuery(0).href
    expect(await comesBack(call)).toBe(url)
  })

  test('runs again also where an older build stored its request, without the URL', async () => {
    const call = await interrupted()
    const redis = new Redis(fleet.redis.url)
    let changed = 0
    for (const key of await redis.keys('*')) {
      if ((await redis.type(key)) !== 'hash') continue
      for (const [field, value] of Object.entries(await redis.hgetall(key))) {
        const older = value.replace(/,"url":"http:[^"]*project=a%20b[^"]*"/, '')
        if (older === value) continue
        changed++
        await redis.hset(key, field, older)
      }
    }
    redis.disconnect()
    expect(changed).toBe(1)
    expect(await comesBack(call)).toBe(new URL('?other=1', fleet.at(1)).href)
  })
})
