/** Calls that one commit runs while the other gets their answers, cancels and resumes. Without heartbeats: by mail. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Fleet } from '../support/fleet.ts'
import { call, EventReader, getStream, initialize, openGet, post, postStream, toolCall } from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { answer, cancel, DIRECTIONS, meta, progressOf, startMixed, textOf, upTo } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ session: { heartbeat: 0 } })
})
afterAll(() => fleet.stop())

const accept = (content: object) => ({ action: 'accept', content })
const progress = (n: number, delayMs: number) => toolCall('c', 'progress', { n, delayMs }, meta)

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test.each(['2025-06-18', '2025-11-25'])('an answer reaches the handler that waits (%s)', async (version) => {
    const session = await initialize(fleet.at(to), version)
    const stream = await postStream(fleet.at(from), toolCall(1, 'ask'), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(to), session, message?.id, accept({ number: 7 }))
    // The second answer is acknowledged and changes nothing.
    await answer(fleet.at(back), session, message?.id, accept({ number: 8 }))
    expect(JSON.parse(textOf((await stream.rest()).at(-1)))).toEqual(accept({ number: 7 }))
  })

  test('three questions of one call are answered at three instances', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), toolCall('r', 'elicit_then_sample'), { session })
    const name = await stream.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(to), session, name.message?.id, accept({ name: 'Ada' }))
    const sample = await stream.until(({ method }) => method === 'sampling/createMessage')
    const greeting = { model: 'm', role: 'assistant', content: { type: 'text', text: 'Hi!' } }
    await answer(fleet.at(also), session, sample.message?.id, greeting)
    const send = await stream.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(back), session, send.message?.id, accept({ send: true }))
    expect(JSON.parse(textOf((await stream.rest()).at(-1)))).toMatchObject({ name: 'Ada', sent: true })
  })

  test('two calls that ask in one session at both commits get their own answers', async () => {
    const session = await initialize(fleet.at(from))
    const places = [from, to, back, also]
    const streams = await Promise.all(places.map((at) => postStream(fleet.at(at), toolCall(at, 'ask'), { session })))
    const asks = await Promise.all(streams.map((one) => one.until(({ method }) => method === 'elicitation/create')))
    const ids = asks.map(({ message }) => message?.id)
    expect(new Set(ids).size).toBe(4)
    await Promise.all(ids.map((id, i) => answer(fleet.at((i + 1) % 4), session, id, accept({ number: i + 1 }))))
    const results = await Promise.all(streams.map(async (one) => JSON.parse(textOf((await one.rest()).at(-1)))))
    expect(results).toEqual([1, 2, 3, 4].map((number) => accept({ number })))
  })

  test('roots and a ping of the client are answered', async () => {
    const session = await initialize(fleet.at(from))
    const roots = await postStream(fleet.at(from), toolCall(1, 'roots'), { session })
    const asked = await roots.until(({ method }) => method === 'roots/list')
    await answer(fleet.at(to), session, asked.message?.id, { roots: [{ uri: 'file:///a' }] })
    expect(textOf((await roots.rest()).at(-1))).toContain('file:///a')
    const ping = await postStream(fleet.at(from), toolCall(2, 'ping_client'), { session })
    const pinged = await ping.until(({ method }) => method === 'ping')
    await answer(fleet.at(to), session, pinged.message?.id, {})
    expect(textOf((await ping.rest()).at(-1))).toBe('pong')
  })

  test('an error as the answer reaches the handler, and a deadline cancels the question', async () => {
    const session = await initialize(fleet.at(from))
    const refused = await postStream(fleet.at(from), toolCall(1, 'ask'), { session })
    const { message } = await refused.until(({ method }) => method === 'elicitation/create')
    const error = { code: -1, message: 'No user here' }
    expect((await post(fleet.at(to), { jsonrpc: '2.0', id: message?.id, error }, { session })).status).toBe(202)
    expect(JSON.parse(textOf((await refused.rest()).at(-1)))).toEqual({ failed: 'refused', code: -1 })
    const late = await postStream(fleet.at(from), toolCall(2, 'ask', { timeout: 100 }), { session })
    const asked = await late.until(({ method }) => method === 'elicitation/create')
    expect(JSON.parse(textOf((await late.rest()).at(-1)))).toEqual({ failed: 'timeout' })
    await answer(fleet.at(to), session, asked.message?.id, accept({ number: 1 }))
  })

  test('a question that was lost with its connection is resumed by the other, and answered there', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), toolCall(1, 'test_streaming_elicitation', {}, meta), { session })
    const { id } = await stream.until(({ params }) => params?.progress === 1)
    stream.drop()
    const resumed = await getStream(fleet.at(to), session, id)
    const { message } = await resumed.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(also), session, message?.id, accept({ ok: true }))
    expect(textOf((await resumed.rest()).at(-1))).toBe('The user said: accept')
  })

  test('a call is resumed while it runs, by the other and back again: each message once and in order', async () => {
    const session = await initialize(fleet.at(from))
    const first = await postStream(fleet.at(from), progress(80, 10), { session })
    await first.until(({ params }) => params?.progress === 5)
    first.drop()
    const second = await getStream(fleet.at(to), session, first.lastId)
    await second.until(({ params }) => params?.progress === 20)
    second.drop()
    const third = await getStream(fleet.at(back), session, second.lastId)
    await third.until(({ params }) => params?.progress === 40)
    third.drop()
    const rest = await (await getStream(fleet.at(also), session, third.lastId)).rest()
    const events = [...first.events, ...second.events, ...third.events]
    expect(progressOf([...events.flatMap(({ message }) => message ?? []), ...rest])).toEqual(upTo(80))
    expect(rest.at(-1)?.id).toBe('c')
  })

  test('a call is resumed after its end from every point; with nothing left it is 405', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), progress(5, 0), { session })
    await stream.rest()
    const ids = stream.events.flatMap(({ id }) => id ?? [])
    for (const [i, id] of ids.slice(0, -1).entries()) {
      const rest = await (await getStream(fleet.at(to), session, id)).rest()
      expect(progressOf(rest)).toEqual(upTo(5).slice(i))
      expect(rest.at(-1)?.id).toBe('c')
    }
    expect((await openGet(fleet.at(to), session, ids.at(-1))).status).toBe(405)
  })

  test('a half open connection is ended when the other takes the stream over', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), progress(40, 10), { session })
    const { id } = await stream.until(({ params }) => params?.progress === 3)
    const rest = await (await getStream(fleet.at(to), session, id)).rest()
    expect(progressOf(rest)).toEqual(upTo(40).slice(3))
    await stream.rest()
    expect(stream.events.at(-1)?.retry).toEqual(about(60_000))
  })

  test('a stream that its handler closed is polled at the other', async () => {
    const session = await initialize(fleet.at(from))
    const closing = toolCall('c', 'close_stream', { ms: 200, retryMs: 77 }, meta)
    const stream = await postStream(fleet.at(from), closing, { session })
    expect(progressOf(await stream.rest())).toEqual([1])
    const rest = await (await getStream(fleet.at(to), session, stream.lastId)).rest()
    expect([progressOf(rest), rest.at(-1)?.id]).toEqual([[2], 'c'])
  })

  test('an event id of another session, or one that was never given out, is 400', async () => {
    const [session, other] = [await initialize(fleet.at(from)), await initialize(fleet.at(from))]
    const stream = await postStream(fleet.at(from), progress(3, 0), { session })
    await stream.rest()
    const id = stream.events[1]?.id ?? ''
    expect((await openGet(fleet.at(to), other, id)).status).toBe(400)
    expect((await openGet(fleet.at(to), session, `${id}x`)).status).toBe(400)
  })

  test('a call that has said nothing is cancelled, and its handler is aborted', async () => {
    const session = await initialize(fleet.at(from))
    const label = `silent-${from}`
    const answered = post(fleet.at(from), toolCall(1, 'slow', { ms: 600_000, label }), { session })
    await eventually(async () => ((await fleet.instances[from]?.stats())?.calls ? true : undefined))
    await cancel(fleet.at(to), session, 1)
    expect(await new EventReader(await answered).rest()).toEqual([])
    const pid = await eventually(async () => {
      const text = textOf(await call(fleet.at(back), session, toolCall(2, 'user_get', { name: `aborted:${label}` })))
      return text === 'null' ? undefined : Number(text)
    })
    expect(pid).toBe(fleet.instances[from]?.child.pid)
  })

  test('a call that streams or waits for an answer is cancelled, and has no response', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), progress(1e5, 5), { session })
    await stream.until(({ params }) => params?.progress === 3)
    await cancel(fleet.at(to), session, 'c')
    expect((await stream.rest()).every(({ method }) => method === 'notifications/progress')).toBe(true)
    expect((await openGet(fleet.at(also), session, stream.lastId)).status).toBe(405)
    const asking = await postStream(fleet.at(from), toolCall(2, 'ask'), { session })
    await asking.until(({ method }) => method === 'elicitation/create')
    await cancel(fleet.at(to), session, 2)
    expect(await asking.rest()).toEqual([])
  })

  test('a cancel that overtakes its call wins', async () => {
    const session = await initialize(fleet.at(from))
    await cancel(fleet.at(to), session, 'soon')
    const response = await post(fleet.at(from), toolCall('soon', 'slow', { ms: 600_000 }), { session })
    expect(await new EventReader(response).rest()).toEqual([])
  })
})
