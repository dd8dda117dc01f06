/** HTTP+SSE (2024-11-05): the stream is held by one commit, and the other gets the POSTs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Fleet } from '../support/fleet.ts'
import { EventReader, initialize, post, request, toolCall } from '../support/raw.ts'
import { DIRECTIONS, progressOf, startMixed, textOf, upTo } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ legacySse: true, session: { lease: 2_000, heartbeat: 500, drainTimeout: 300 } })
})
afterAll(() => fleet.stop())

/** Opens the stream at `at`; `initialize` goes to `to`. */
async function open(at: number, to: number) {
  const response = await fetch(new URL('/sse', fleet.at(at)), { headers: { accept: 'text/event-stream' } })
  const reader = new EventReader(response)
  const event = await reader.next()
  expect(event?.event).toBe('endpoint')
  const send = async (index: number, message: object) =>
    (await post(new URL(event?.data ?? '', fleet.at(index)), message)).status
  const clientInfo = { name: 'old', version: '1' }
  const params = { protocolVersion: '2024-11-05', capabilities: { roots: {} }, clientInfo }
  expect(await send(to, request(0, 'initialize', params))).toBe(202)
  const { message } = await reader.until(({ id }) => id === 0)
  expect(message?.result.protocolVersion).toBe('2024-11-05')
  expect(await send(at, { jsonrpc: '2.0', method: 'notifications/initialized' })).toBe(202)
  return { reader, send }
}

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test('what a call sends comes before its response, in order', async () => {
    const { reader, send } = await open(from, to)
    expect(await send(to, toolCall(1, 'progress', { n: 20 }, { progressToken: 'p' }))).toBe(202)
    await reader.until(({ id }) => id === 1)
    expect(progressOf(reader.events.flatMap(({ message }) => message ?? []))).toEqual(upTo(20))
    for (const [i, at] of [from, to, back, also].entries()) {
      expect(await send(at, toolCall(`c${i}`, 'count_session'))).toBe(202)
      expect(textOf((await reader.until(({ id }) => id === `c${i}`)).message)).toBe(String(i + 1))
    }
    reader.drop()
  })

  test('a question goes out on the stream, and its answer comes in at a third instance', async () => {
    const { reader, send } = await open(from, to)
    await send(to, toolCall(1, 'roots'))
    const { message } = await reader.until(({ method }) => method === 'roots/list')
    const roots = { roots: [{ uri: 'file:///r' }] }
    expect(await send(back, { jsonrpc: '2.0', id: message?.id, result: roots })).toBe(202)
    expect(textOf((await reader.until(({ id }) => id === 1)).message)).toContain('file:///r')
    reader.drop()
  })

  test('a call is cancelled, and has no response', async () => {
    const { reader, send } = await open(from, to)
    await send(to, toolCall(1, 'progress', { n: 1e5, delayMs: 5 }, { progressToken: 'p' }))
    await reader.until(({ params }) => params?.progress === 2)
    await send(from, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await eventually(async () => ((await fleet.instances[to]?.stats())?.calls === 0 ? true : undefined))
    await send(also, request(2, 'ping'))
    await reader.until(({ id }) => id === 2)
    expect(reader.events.some(({ message }) => message?.id === 1 && message.method === undefined)).toBe(false)
    reader.drop()
  })

  test('changes of lists arrive', async () => {
    const { reader } = await open(from, from)
    await fleet.instances[to]?.announce('tools')
    await reader.until(({ method }) => method === 'notifications/tools/list_changed')
    reader.drop()
  })

  test('the connection that ends is the end of the session at the other: POSTs are 404, calls are aborted', async () => {
    const { reader, send } = await open(from, to)
    await send(to, toolCall(1, 'slow', { ms: 600_000 }))
    await eventually(async () => ((await fleet.instances[to]?.stats())?.calls === 1 ? true : undefined))
    reader.drop()
    await eventually(async () => ((await send(also, request(3, 'ping'))) === 404 ? true : undefined))
    await eventually(async () => ((await fleet.instances[to]?.stats())?.calls === 0 ? true : undefined))
  })

  test('a session of the other transport is not served', async () => {
    const session = await initialize(fleet.at(from))
    const cross = await post(new URL(`/messages?sessionId=${session.id}`, fleet.at(to)), request(1, 'ping'))
    expect(cross.status).toBe(404)
  })

  test('kill -9 of the instance that runs calls: they are run again by the holder, or end with an error', async () => {
    const { reader, send } = await open(from, to)
    await send(to, toolCall('again', 'rerunnable', { n: 60, delayMs: 20 }, { progressToken: 'a' }))
    await send(to, toolCall('lost', 'progress', { n: 60_000, delayMs: 20 }, { progressToken: 'b' }))
    await reader.until(({ params }) => params?.progressToken === 'b' && params.progress >= 3)
    await fleet.instances[to]?.kill()
    const ended = new Map<unknown, string>()
    while (ended.size < 2) {
      const { message } = await reader.until(({ id }) => id === 'again' || id === 'lost')
      ended.set(message?.id, JSON.stringify(message))
    }
    expect(ended.get('lost')).toContain('lost')
    expect(ended.get('again')).toContain('done 60')
    const all = reader.events.flatMap(({ message }) => message ?? [])
    expect(progressOf(all.filter(({ params }) => params?.progressToken === 'a'))).toEqual(upTo(60))
    reader.drop()
    await fleet.restart(to)
  })
})
