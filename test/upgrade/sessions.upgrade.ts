/** What a session keeps, written by one commit and read by the other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Fleet } from '../support/fleet.ts'
import type { RpcMessage } from '../support/raw.ts'
import {
  ALL_CAPABILITIES,
  call,
  getStream,
  initialize,
  openGet,
  post,
  postStream,
  request,
  toolCall,
} from '../support/raw.ts'
import { answer, cancel, DIRECTIONS, end, meta, progressOf, startMixed, textOf, upTo } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ session: { heartbeat: 0 } })
})
afterAll(() => fleet.stop())

test('the instances are of two commits', () => {
  const entries = fleet.instances.map(({ child }) => child.spawnargs.at(-1))
  expect([entries[0], entries[1]]).toEqual([entries[2], entries[3]])
  expect(entries[0]).not.toBe(entries[1])
})

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('a session of %s goes on', async (version) => {
    const session = await initialize(fleet.at(from), version)
    for (const [i, at] of [to, from, also, back].entries()) {
      expect(textOf(await call(fleet.at(at), session, toolCall(i, 'count_session')))).toBe(String(i + 1))
      const caller = JSON.parse(textOf(await call(fleet.at(at), session, toolCall(`w${i}`, 'whoami'))))
      expect(caller).toMatchObject({
        pid: fleet.instances[at]?.child.pid,
        revision: version,
        client: 'raw',
        capabilities: ALL_CAPABILITIES,
      })
    }
  })

  test('a session that is initialized in two halves is open', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const opened = await post(fleet.at(from), request(0, 'initialize', params))
    const session = { id: opened.headers.get('mcp-session-id') ?? '', version: '2025-11-25' }
    await opened.text()
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    expect((await post(fleet.at(to), initialized, { session })).status).toBe(202)
    expect((await call(fleet.at(back), session, request(1, 'ping'))).result).toEqual({})
  })

  test('values of the session, values of the user and handles are read and removed', async () => {
    const session = await initialize(fleet.at(from))
    const tool = async (at: number, name: string, args: object) =>
      textOf(await call(fleet.at(at), session, toolCall(1, name, args)))
    await tool(from, 'remember', { name: 'a', value: 'kept' })
    expect(await tool(to, 'recall', { name: 'a' })).toBe('"kept"')
    await tool(to, 'forget', { name: 'a' })
    expect(await tool(back, 'recall', { name: 'a' })).toBe('null')
    await tool(from, 'user_set', { name: `user-${from}`, value: 'kept' })
    expect(await tool(to, 'user_get', { name: `user-${from}` })).toBe('"kept"')
    const handle = await tool(from, 'handle_create', { value: 'kept' })
    expect(await tool(to, 'handle_get', { handle })).toBe('"kept"')
    expect(await tool(to, 'handle_set', { handle, value: 'new' })).toBe('true')
    expect(await tool(back, 'handle_get', { handle })).toBe('"new"')
  })

  test('a cursor of a list is taken by the other commit', async () => {
    const session = await initialize(fleet.at(from))
    const first = await call(fleet.at(from), session, request(1, 'resources/list'))
    const cursor = first.result.nextCursor as string
    const { result } = await call(fleet.at(to), session, request(2, 'resources/list', { cursor }))
    const uris = [...first.result.resources, ...result.resources].map(({ uri }: { uri: string }) => uri)
    expect(new Set(uris).size).toBe(uris.length)
    expect(uris.length).toBeGreaterThan(first.result.resources.length)
  })

  test('a logging level counts at once for a tool that runs on the other', async () => {
    const session = await initialize(fleet.at(from))
    await call(fleet.at(to), session, request(1, 'logging/setLevel', { level: 'emergency' }))
    const stream = await postStream(fleet.at(from), toolCall(2, 'log_slowly', { rounds: 1_000, delayMs: 20 }), {
      session,
    })
    await stream.until(({ params }) => params?.level === 'emergency')
    expect(stream.events.some(({ message }) => message?.params?.level === 'debug')).toBe(false)
    await call(fleet.at(also), session, request(3, 'logging/setLevel', { level: 'debug' }))
    await stream.until(({ params }) => params?.level === 'debug')
    await cancel(fleet.at(to), session, 2)
    expect((await stream.rest()).some(({ id }) => id === 2)).toBe(false)
  })

  test('DELETE ends the streams and calls of the other, and every instance answers 404 from then on', async () => {
    const session = await initialize(fleet.at(from))
    const get = await getStream(fleet.at(back), session)
    const stream = await postStream(fleet.at(from), toolCall(1, 'ask'), { session })
    await stream.until(({ method }) => method === 'elicitation/create')
    const label = `deleted-${from}`
    const silent = post(fleet.at(from), toolCall(2, 'slow', { ms: 600_000, label }), { session })
    await eventually(async () => (((await fleet.instances[from]?.stats())?.calls ?? 0) > 1 ? true : undefined))
    expect(await end(fleet.at(to), session)).toBe(204)
    for (const at of [0, 1, 2, 3]) {
      expect((await post(fleet.at(at), request(9, 'ping'), { session })).status).toBe(404)
      expect((await openGet(fleet.at(at), session, stream.lastId)).status).toBe(404)
      expect(await end(fleet.at(at), session)).toBe(404)
    }
    expect(await stream.rest()).toEqual([])
    expect(await get.rest()).toEqual([])
    expect((await silent).status).toBe(404)
  })

  test('a batch of 2025-03-26 is answered, streamed, resumed by the other, and carries its answers there', async () => {
    const session = await initialize(fleet.at(from), '2025-03-26', { sampling: {}, roots: {} })
    const plain = await post(fleet.at(to), [request(1, 'ping'), toolCall('2', 'count_session')], { session })
    expect(((await plain.json()) as RpcMessage[]).map(({ id }) => id)).toEqual([1, '2'])
    const talks = (id: string, n: number) => toolCall(id, 'progress', { n, delayMs: 10 }, { progressToken: id })
    const stream = await postStream(fleet.at(from), [talks('a', 40), talks('b', 5)], { session })
    await stream.until(({ params }) => params?.progress === 3)
    stream.drop()
    const rest = await (await getStream(fleet.at(to), session, stream.lastId)).rest()
    const all = [...stream.events.flatMap(({ message }) => message ?? []), ...rest]
    expect(progressOf(all.filter(({ params }) => params?.progressToken === 'a'))).toEqual(upTo(40))
    expect(new Set(all.flatMap(({ id }) => id ?? []))).toEqual(new Set(['a', 'b']))
  })

  test('one array of answers reaches waiting calls of both commits', async () => {
    const session = await initialize(fleet.at(from), '2025-03-26', { sampling: {}, roots: {} })
    const streams = await Promise.all(
      [from, to].map((at) => postStream(fleet.at(at), toolCall(`c${at}`, 'roots'), { session })),
    )
    const asks = await Promise.all(streams.map((stream) => stream.until(({ method }) => method === 'roots/list')))
    const answers = asks.map(({ message }, i) => ({
      jsonrpc: '2.0',
      id: message?.id,
      result: { roots: [{ uri: `file:///${i}` }] },
    }))
    expect((await post(fleet.at(back), answers, { session })).status).toBe(202)
    for (const [i, stream] of streams.entries()) expect(textOf((await stream.rest()).at(-1))).toContain(`file:///${i}`)
  })

  test('a URL elicitation is completed on the other, and its client alone hears of it', async () => {
    const session = await initialize(fleet.at(from))
    const get = await getStream(fleet.at(from), session)
    const id = `completed-${from}`
    const stream = await postStream(fleet.at(from), toolCall(1, 'ask_url', { id }), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(to), session, message?.id, { action: 'accept' })
    await stream.rest()
    const complete = await fetch(new URL('/__test/complete', fleet.at(to)), { method: 'POST', body: id })
    expect(await complete.json()).toBe(true)
    const told = await get.until(({ method }) => method === 'notifications/elicitation/complete')
    expect(told.message?.params).toEqual({ elicitationId: id })
    get.drop()
  })

  test('a call whose id a call on the other has is served or refused, and that call goes on', async () => {
    const session = await initialize(fleet.at(from))
    const running = await postStream(fleet.at(from), toolCall(7, 'progress', { n: 1e5, delayMs: 10 }, meta), {
      session,
    })
    await running.until(({ params }) => params?.progress === 2)
    const twice = await post(fleet.at(to), toolCall(7, 'progress', { n: 3, delayMs: 10 }, meta), { session })
    // The commit before refuses an id that is in use; this one serves both calls.
    expect(await twice.text()).toMatch(/-32600|done 3/)
    await running.until(({ params }) => params?.progress > 20)
    await cancel(fleet.at(to), session, 7)
    await running.rest()
  })
})
