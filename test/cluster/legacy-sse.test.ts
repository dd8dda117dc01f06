/** HTTP+SSE (2024-11-05): one instance holds the stream, the POSTs reach other instances. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { EventReader, initialize, post, request, toolCall } from '../support/raw.ts'

const options = { legacySse: true, session: { lease: 2_000, heartbeat: 500, drainTimeout: 300 } }
let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet(options)
})
afterAll(() => fleet.stop())

async function open(at: number) {
  const reader = new EventReader(
    await fetch(new URL('/sse', fleet.at(at)), { headers: { accept: 'text/event-stream' } }),
  )
  const first = await rawEndpoint(reader)
  const send = (to: number, message: object) => post(new URL(first, fleet.at(to)), message)
  return { reader, send, path: first }
}

async function rawEndpoint(reader: EventReader): Promise<string> {
  const event = await reader.next()
  expect(event?.event).toBe('endpoint')
  return event?.data ?? ''
}

async function opened(at: number) {
  const connection = await open(at)
  const params = {
    protocolVersion: '2024-11-05',
    capabilities: { roots: {}, sampling: {} },
    clientInfo: { name: 'old', version: '1' },
  }
  expect((await connection.send((at + 1) % 3, request(0, 'initialize', params))).status).toBe(202)
  const { message } = await connection.reader.until(({ id }) => id === 0)
  expect(message?.result.protocolVersion).toBe('2024-11-05')
  expect((await connection.send(2, { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202)
  return connection
}

test('the official client works although no two requests in a row reach the same instance', async () => {
  const client = new Client({ name: 'old', version: '1' }, { capabilities: { roots: {} } })
  await client.connect(new SSEClientTransport(new URL('/sse', fleet.url)))
  // This client handles notifications later than responses, and drops a progress in the same packet as the result. So
  // the call ends only after the client has its first progress.
  const progress: number[] = []
  const opened: Promise<unknown>[] = []
  const open = () => client.callTool({ name: 'user_set', arguments: { name: 'gate:progress', value: 'open' } })
  const result = await client.callTool({ name: 'gated', arguments: { gate: 'progress' } }, undefined, {
    onprogress: (notification) => {
      progress.push(notification.progress)
      if (notification.progress === 1) opened.push(open())
    },
  })
  expect(JSON.stringify(result.content)).toContain('through progress')
  expect(progress[0]).toBe(1)
  await Promise.all(opened)
  const texts = await Promise.all(
    Array.from({ length: 16 }, (_, i) => client.callTool({ name: 'echo', arguments: { message: `m${i}` } })),
  )
  expect(texts.map(({ content }) => (content as { text: string }[])[0]?.text)).toEqual(
    Array.from({ length: 16 }, (_, i) => `m${i}`),
  )
  await client.close()
})

test('the messages of a call arrive in order, before its response', async () => {
  const { reader, send } = await opened(0)
  await send(1, toolCall(1, 'progress', { n: 20 }, { progressToken: 'p' }))
  const before: unknown[] = []
  await reader.until((message) => {
    if (message.params?.progress !== undefined) before.push(message.params.progress)
    return message.id === 1
  })
  expect(before).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  // This transport cannot resume, so its events have no ids.
  expect(reader.events.every(({ id }) => id === undefined)).toBe(true)
  reader.drop()
})

test('an ask is sent on the stream, and any instance accepts its answer', async () => {
  const { reader, send } = await opened(0)
  await send(1, toolCall(1, 'roots'))
  const { message } = await reader.until(({ method }) => method === 'roots/list')
  expect((await send(2, { jsonrpc: '2.0', id: message?.id, result: { roots: [{ uri: 'file:///r' }] } })).status).toBe(
    202,
  )
  const { message: answer } = await reader.until(({ id }) => id === 1)
  expect(answer?.result.content[0].text).toContain('file:///r')
  reader.drop()
})

test('a cancel on another instance ends a call without a response', async () => {
  const { reader, send } = await opened(0)
  await send(1, toolCall(1, 'progress', { n: 1e5, delayMs: 5 }, { progressToken: 'p' }))
  await reader.until(({ params }) => params?.progress === 2)
  await send(2, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await eventually(async () => ((await fleet.instances[1]?.stats())?.calls === 0 ? true : undefined))
  await send(0, request(2, 'ping'))
  await reader.until(({ id }) => id === 2)
  expect(reader.events.some(({ message }) => message?.id === 1 && message.method === undefined)).toBe(false)
  reader.drop()
})

test('a session ends with its connection: POSTs are 404, calls are aborted', async () => {
  const { reader, send } = await opened(0)
  await send(1, toolCall(1, 'slow', { ms: 600_000 }))
  await eventually(async () => ((await fleet.instances[1]?.stats())?.calls === 1 ? true : undefined))
  reader.drop()
  await eventually(async () => ((await send(2, request(3, 'ping'))).status === 404 ? true : undefined))
  await eventually(async () => ((await fleet.instances[1]?.stats())?.calls === 0 ? true : undefined))
})

test('each transport refuses the sessions of the other', async () => {
  const session = await initialize(fleet.at(0))
  const cross = await post(new URL(`/messages?sessionId=${session.id}`, fleet.at(1)), request(1, 'ping'))
  expect(cross.status).toBe(404)
  const { reader, path } = await opened(0)
  const id = new URL(path, fleet.url).searchParams.get('sessionId') ?? ''
  expect((await post(fleet.at(1), request(1, 'ping'), { session: { id, version: '2025-06-18' } })).status).toBe(404)
  expect((await post(new URL('/messages', fleet.at(0)), request(1, 'ping'))).status).toBe(400)
  expect((await fetch(new URL('/messages', fleet.at(0)))).status).toBe(405)
  reader.drop()
})

test('a call whose instance dies runs again or ends with an error', async () => {
  const { reader, send } = await opened(0)
  await send(1, toolCall('again', 'rerunnable', { n: 60, delayMs: 20 }, { progressToken: 'a' }))
  await send(1, toolCall('lost', 'progress', { n: 60_000, delayMs: 20 }, { progressToken: 'b' }))
  await reader.until(({ params }) => params?.progressToken === 'b' && params.progress >= 3)
  await fleet.instances[1]?.kill()
  const lost = await reader.until(({ id }) => id === 'lost')
  expect(lost.message?.error?.message).toContain('lost')
  const again = reader.events.some(({ message }) => message?.id === 'again')
    ? reader.events.find(({ message }) => message?.id === 'again')
    : await reader.until(({ id }) => id === 'again')
  expect(again?.message?.result.content[0].text).toContain('done 60')
  const progress = reader.events.flatMap(({ message }) =>
    message?.params?.progressToken === 'a' ? [message.params.progress] : [],
  )
  expect(progress).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  reader.drop()
  await fleet.restart(1)
})

test('a malformed or oversized initialize is 400, as on /mcp', async () => {
  const { reader, send } = await open(0)
  const params = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    clientInfo: { name: 'x'.repeat(100_000), version: '1' },
  }
  for (const wrong of [params, { ...params, clientInfo: { name: 'old', version: '1' }, protocolVersion: undefined }]) {
    const response = await send(1, request(0, 'initialize', wrong))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ id: 0, error: { code: -32602 } })
  }
  reader.drop()
})

test('a session whose stream is lost with its instance expires after minutes, although POSTs arrive', async () => {
  const { Redis } = await import('ioredis')
  const redis = new Redis(fleet.redis.url)
  const sessions = async () => (await redis.keys('mcp:{*}')).filter((key) => /^mcp:\{[^}]+\}$/.test(key))
  const before = new Set(await sessions())
  const { reader, send } = await opened(0)
  const [key = ''] = (await sessions()).filter((one) => !before.has(one))
  await fleet.instances[0]?.kill()
  await reader.rest()
  for (const to of [1, 2]) expect((await send(to, request(9, 'tools/list'))).status).toBe(202)
  // The record lives ten minutes at most; a session that can be resumed lives a day.
  const left = await redis.pttl(key)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(600_000)
  await redis.quit()
  await fleet.restart(0)
})
