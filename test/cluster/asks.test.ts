/** Asks: one instance sends the ask on the stream of its call, another instance receives the answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { RawSession } from '../support/raw.ts'
import { call, EventReader, getStream, initialize, post, postStream, request, toolCall } from '../support/raw.ts'
import { V1, written } from '../support/written.ts'

describe.each(written(V1))('$name', ({ module, isOwn }) => {
  let fleet: Fleet

  beforeAll(async () => {
    // Without heartbeats, only mail between instances can deliver an answer.
    fleet = await startFleet({ session: { heartbeat: 0 } }, { module })
  })
  afterAll(() => fleet.stop())

  const accept = (number: number) => ({ action: 'accept', content: { number } })

  async function answer(at: number, session: RawSession, id: string | number | undefined, result: object) {
    const response = await post(fleet.at(at), { jsonrpc: '2.0', id, result }, { session })
    expect(await response.text()).toBe('')
    return response.status
  }

  function textOf(message: { result?: { content: { text: string }[] } } | undefined): unknown {
    return JSON.parse(message?.result?.content[0]?.text ?? 'null')
  }

  describe.each(['2025-06-18', '2025-11-25'])('an ask in %s', (version) => {
    test('gets the answer that is posted to another instance', async () => {
      const session = await initialize(fleet.at(0), version)
      const stream = await postStream(fleet.at(0), toolCall(1, 'ask'), { session })
      const { message } = await stream.until(({ method }) => method === 'elicitation/create')
      expect(message?.params.mode).toBe(version === '2025-11-25' ? 'form' : undefined)
      expect(await answer(1, session, message?.id, accept(7))).toBe(202)
      const rest = await stream.rest()
      expect(textOf(rest.at(-1))).toEqual(accept(7))
    })

    test('can follow other asks of its call, each answered on another instance', async () => {
      const session = await initialize(fleet.at(2), version)
      const stream = await postStream(fleet.at(0), toolCall('r', 'elicit_then_sample'), { session })
      const first = await stream.until(({ method }) => method === 'elicitation/create')
      await answer(1, session, first.message?.id, { action: 'accept', content: { name: 'Ada' } })
      const second = await stream.until(({ method }) => method === 'sampling/createMessage')
      const greeting = { model: 'm', role: 'assistant', content: { type: 'text', text: 'Hi!' } }
      await answer(2, session, second.message?.id, greeting)
      const third = await stream.until(({ method }) => method === 'elicitation/create')
      await answer(0, session, third.message?.id, { action: 'accept', content: { send: true } })
      expect(textOf((await stream.rest()).at(-1))).toMatchObject({ name: 'Ada', sent: true })
    })
  })

  test('asks of one session have different ids, also from several instances at once', async () => {
    const session = await initialize(fleet.at(0))
    const streams = await Promise.all(
      [0, 1, 2, 0, 1, 2].map((at, i) => postStream(fleet.at(at), toolCall(i, 'ask'), { session })),
    )
    const asks = await Promise.all(
      streams.map((stream) => stream.until(({ method }) => method === 'elicitation/create')),
    )
    const ids = asks.map(({ message }) => message?.id)
    expect(new Set(ids).size).toBe(6)
    // Each answer goes to another instance than its handler's.
    await Promise.all(ids.map((id, i) => answer((i + 1) % 3, session, id, accept(i + 1))))
    const results = await Promise.all(streams.map(async (stream) => textOf((await stream.rest()).at(-1))))
    expect(results).toEqual([1, 2, 3, 4, 5, 6].map(accept))
  })

  test('a repeated, late, unknown or forged answer is 202 and has no effect', async () => {
    const session = await initialize(fleet.at(0))
    const other = await initialize(fleet.at(0))
    const stream = await postStream(fleet.at(0), toolCall(1, 'ask'), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    expect(await answer(1, other, message?.id, accept(66))).toBe(202)
    expect(await answer(1, session, 'no-such-ask', accept(66))).toBe(202)
    expect(await answer(1, session, 4711, accept(66))).toBe(202)
    expect(await answer(1, session, message?.id, accept(1))).toBe(202)
    expect(await answer(2, session, message?.id, accept(2))).toBe(202)
    expect(textOf((await stream.rest()).at(-1))).toEqual(accept(1))
    expect(await answer(0, session, message?.id, accept(3))).toBe(202)
  })

  test('an ask fails in the handler with the error of the client, or with a timeout', async () => {
    const session = await initialize(fleet.at(0))
    const refused = await postStream(fleet.at(0), toolCall(1, 'ask'), { session })
    const { message } = await refused.until(({ method }) => method === 'elicitation/create')
    const error = { code: -1, message: 'No user here' }
    expect((await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, error }, { session })).status).toBe(202)
    expect(textOf((await refused.rest()).at(-1))).toEqual({ failed: 'refused', code: -1 })

    const late = await postStream(fleet.at(0), toolCall(2, 'ask', { timeout: 100 }), { session })
    const ask = await late.until(({ method }) => method === 'elicitation/create')
    const rest = await late.rest()
    // The timeout cancels the ask at the client.
    expect(rest.find(({ method }) => method === 'notifications/cancelled')?.params.requestId).toBe(ask.message?.id)
    expect(textOf(rest.at(-1))).toEqual({ failed: 'timeout' })
    expect(await answer(1, session, ask.message?.id, accept(1))).toBe(202)
  })

  test.runIf(isOwn)(
    'an ask without the capability of the client is a tool error that names the capability',
    async () => {
      const session = await initialize(fleet.at(0), '2025-11-25', { elicitation: {} })
      for (const tool of ['roots', 'test_sampling', 'ask_url', 'sample_tools']) {
        const args = tool === 'test_sampling' ? { prompt: 'x' } : {}
        const { result } = await call(fleet.at(1), session, toolCall(1, tool, args))
        expect(result.isError).toBe(true)
        expect(result.content[0].text).toMatch(/capability/)
      }
    },
  )

  test('an ask fails as unreachable for a client that accepts JSON only', async () => {
    const session = await initialize(fleet.at(0))
    const response = await post(fleet.at(0), toolCall(1, 'ask'), { session, accept: 'application/json' })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(textOf((await response.json()) as never)).toEqual({ failed: 'unreachable' })
  })

  test('roots/list, ping and sampling with tools get their answers from other instances', async () => {
    const session = await initialize(fleet.at(0))
    const roots = await postStream(fleet.at(1), toolCall(1, 'roots'), { session })
    const ask = await roots.until(({ method }) => method === 'roots/list')
    await answer(2, session, ask.message?.id, { roots: [{ uri: 'file:///a' }] })
    expect(textOf((await roots.rest()).at(-1))).toEqual([{ uri: 'file:///a' }])

    const ping = await postStream(fleet.at(2), toolCall(2, 'ping_client'), { session })
    const pinged = await ping.until(({ method }) => method === 'ping')
    await answer(0, session, pinged.message?.id, {})
    expect((await ping.rest()).at(-1)?.result.content[0].text).toBe('pong')

    const sample = await postStream(fleet.at(0), toolCall(3, 'sample_tools'), { session })
    const sampled = await sample.until(({ method }) => method === 'sampling/createMessage')
    expect(sampled.message?.params.tools).toHaveLength(1)
    const use = { type: 'tool_use', id: 't', name: 'clock', input: {} }
    await answer(1, session, sampled.message?.id, {
      model: 'm',
      role: 'assistant',
      content: [use],
      stopReason: 'toolUse',
    })
    expect(textOf((await sample.rest()).at(-1))).toMatchObject({ stopReason: 'toolUse' })
  })

  test('the answers of one batch reach handlers on different instances (2025-03-26)', async () => {
    const session = await initialize(fleet.at(0), '2025-03-26', { sampling: {}, roots: {} })
    const streams = await Promise.all(
      [0, 1].map((at) => postStream(fleet.at(at), toolCall(`c${at}`, 'test_sampling', { prompt: 'Hi' }), { session })),
    )
    const asks = await Promise.all(
      streams.map((stream) => stream.until(({ method }) => method === 'sampling/createMessage')),
    )
    const answers = asks.map(({ message }, i) => ({
      jsonrpc: '2.0',
      id: message?.id,
      result: { model: 'm', role: 'assistant', content: { type: 'text', text: `answer ${i}` } },
    }))
    expect((await post(fleet.at(2), answers, { session })).status).toBe(202)
    for (const [i, stream] of streams.entries()) {
      expect((await stream.rest()).at(-1)?.result.content[0].text).toContain(`answer ${i}`)
    }
  })

  test('the completion of a URL elicitation reaches its client alone, from any instance, once', async () => {
    const [session, other] = [await initialize(fleet.at(0)), await initialize(fleet.at(0))]
    const get = await getStream(fleet.at(1), session)
    const otherGet = await getStream(fleet.at(1), other)
    const stream = await postStream(fleet.at(0), toolCall(1, 'ask_url', { id: 'e-17' }), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    expect(message?.params).toMatchObject({ mode: 'url', elicitationId: 'e-17' })
    await answer(2, session, message?.id, { action: 'accept' })
    await stream.rest()
    const complete = (at: number) => fetch(new URL('/__test/complete', fleet.at(at)), { method: 'POST', body: 'e-17' })
    expect(await (await complete(2)).json()).toBe(true)
    // The browser loads the callback a second time.
    await complete(0)
    const { message: completion } = await get.until(({ method }) => method === 'notifications/elicitation/complete')
    expect(completion?.params).toEqual({ elicitationId: 'e-17' })
    await fleet.instances[0]?.announce('tools')
    await get.until(({ method }) => method === 'notifications/tools/list_changed')
    await otherGet.until(({ method }) => method === 'notifications/tools/list_changed')
    expect(get.events.filter(({ message: m }) => m?.method === 'notifications/elicitation/complete')).toHaveLength(1)
    expect(otherGet.events.filter(({ message: m }) => m?.method?.includes('elicitation'))).toHaveLength(0)
    get.drop()
    otherGet.drop()
  })

  test('logging/setLevel on one instance applies at once to a running tool on another', async () => {
    const session = await initialize(fleet.at(0))
    expect((await call(fleet.at(1), session, request(1, 'logging/setLevel', { level: 'emergency' }))).result).toEqual(
      {},
    )
    const stream = await postStream(fleet.at(0), toolCall(2, 'log_slowly', { rounds: 1_000, delayMs: 20 }), { session })
    await stream.until(({ params }) => params?.level === 'emergency')
    expect(stream.events.some(({ message }) => message?.params?.level === 'debug')).toBe(false)
    await call(fleet.at(2), session, request(3, 'logging/setLevel', { level: 'debug' }))
    await stream.until(({ params }) => params?.level === 'debug')
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }
    expect((await post(fleet.at(1), cancelled, { session })).status).toBe(202)
    expect((await stream.rest()).some(({ id }) => id === 2)).toBe(false)
  })

  test.runIf(isOwn)('one TCP connection serves session revisions and the stateless revision in turn', async () => {
    const session = await initialize(fleet.at(0))
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'whoami' }
    for (let round = 0; round < 5; round++) {
      // fetch uses one connection while its requests follow one another.
      const old = await call(fleet.at(0), session, toolCall(round, 'whoami'))
      expect((textOf(old) as { revision: string }).revision).toBe('2025-11-25')
      const response = await post(fleet.at(0), toolCall(round, 'whoami', {}, meta), { headers })
      const answered = (await response.json()) as Awaited<ReturnType<typeof call>>
      expect(answered.result.resultType).toBe('complete')
      expect((textOf(answered) as { revision: string }).revision).toBe('2026-07-28')
      expect(response.headers.get('mcp-session-id')).toBeNull()
    }
  })

  test('a call that is cancelled during an ask ends without a response', async () => {
    const session = await initialize(fleet.at(0))
    const stream = new EventReader(await post(fleet.at(0), toolCall(1, 'ask'), { session }))
    await stream.until(({ method }) => method === 'elicitation/create')
    await post(
      fleet.at(1),
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      { session },
    )
    expect(await stream.rest()).toEqual([])
  })
})
