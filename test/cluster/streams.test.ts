/** The GET stream, and the resume of any stream, with each request on another instance. Heartbeats are off. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, InstanceProcess, startFleet } from '../support/fleet.ts'
import type { RawSession } from '../support/raw.ts'
import { call, getStream, initialize, openGet, post, postStream, request, toolCall } from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { V1, written } from '../support/written.ts'

describe.each(written(V1))('$name', ({ module, isOwn }) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet({ session: { heartbeat: 0 } }, { module })
  })
  afterAll(() => fleet.stop())

  const progress = (n: number, delayMs = 0) => toolCall('c', 'progress', { n, delayMs }, { progressToken: 'p' })
  const URI = 'test://watched-resource'
  const subscribe = (at: number, session: RawSession, on = true) =>
    call(fleet.at(at), session, request(9, `resources/${on ? 'subscribe' : 'unsubscribe'}`, { uri: URI }))

  function progressOf(messages: { params?: { progress?: number } }[]): (number | undefined)[] {
    return messages.flatMap(({ params }) => (params?.progress === undefined ? [] : [params.progress]))
  }

  /** The events up to this progress: on a busy machine more have arrived. */
  function upTo<Event extends { message?: { params?: { progress?: number } } }>(events: Event[], progress: number) {
    return events.slice(0, 1 + events.findIndex(({ message }) => message?.params?.progress === progress))
  }

  describe('the stream of a call', () => {
    test('is resumed on another instance while the call runs: each later message once, in order, and the result', async () => {
      const session = await initialize(fleet.at(0))
      const first = await postStream(fleet.at(0), progress(60, 5), { session })
      await first.until(({ params }) => params?.progress === 5)
      first.drop()
      const received = upTo(first.events, 5)
      const second = await getStream(fleet.at(1), session, received.at(-1)?.id)
      await second.until(({ params }) => params?.progress === 20)
      second.drop()
      // A second loss: an event id of the resumed stream can be resumed as well.
      const more = upTo(second.events, 20)
      const third = await getStream(fleet.at(2), session, more.at(-1)?.id)
      const rest = await third.rest()
      const before = [...received, ...more].flatMap(({ message }) => message ?? [])
      expect(progressOf([...before, ...rest])).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
      expect(rest.at(-1)?.id).toBe('c')
    })

    test('is resumed after its end from each of its event ids, and a resume from the last one is 405', async () => {
      const session = await initialize(fleet.at(0))
      const stream = await postStream(fleet.at(0), progress(5), { session })
      await stream.rest()
      const ids = stream.events.flatMap(({ id }) => id ?? [])
      expect(ids).toHaveLength(7)
      for (const [i, id] of ids.slice(0, -1).entries()) {
        const resumed = await getStream(fleet.at(i % 3), session, id)
        const rest = await resumed.rest()
        expect(progressOf(rest)).toEqual([1, 2, 3, 4, 5].slice(i))
        expect(rest.at(-1)?.id).toBe('c')
      }
      const finished = await openGet(fleet.at(1), session, ids.at(-1))
      expect(finished.status).toBe(405)
      expect(((await finished.json()) as { error: object }).error).toBeDefined()
    })

    test('begins each connection with a priming event in 2025-11-25, and with a comment in older revisions', async () => {
      const session = await initialize(fleet.at(0))
      const stream = await postStream(fleet.at(0), progress(100, 5), { session })
      expect(await stream.next()).toMatchObject({ data: '', retry: about(1_000) })
      const { id } = await stream.until(({ params }) => params?.progress === 2)
      stream.drop()
      const resumed = await getStream(fleet.at(1), session, id)
      expect(await resumed.next()).toMatchObject({ id, data: '' })
      resumed.drop()

      const old = await initialize(fleet.at(0), '2025-06-18')
      const plain = await postStream(fleet.at(0), progress(5, 1), { session: old })
      await plain.rest()
      const later = await getStream(fleet.at(2), old, plain.events[1]?.id)
      await later.rest()
      const get = await getStream(fleet.at(1), old)
      await fleet.instances[0]?.announce('tools')
      await get.until(({ method }) => method === 'notifications/tools/list_changed')
      get.drop()
      const events = [...plain.events, ...later.events, ...get.events]
      expect(events.every(({ data, id }) => data !== '' && id !== undefined)).toBe(true)
      expect(plain.comments + later.comments + get.comments).toBeGreaterThanOrEqual(3)
    })

    test('closes its connection on closeStream while the call runs on, in 2025-11-25 only', async () => {
      const meta = { progressToken: 'p' }
      const session = await initialize(fleet.at(0))
      const stream = await postStream(fleet.at(0), toolCall('c', 'close_stream', { ms: 1_000, retryMs: 77 }, meta), {
        session,
      })
      const before = await stream.rest()
      expect(progressOf(before)).toEqual([1])
      expect(stream.events.at(-1)).toMatchObject({ retry: isOwn ? 77 : about(1_000) })
      const rest = await (await getStream(fleet.at(1), session, stream.lastId)).rest()
      expect([progressOf(rest), rest.at(-1)?.id]).toEqual([[2], 'c'])

      const old = await initialize(fleet.at(0), '2025-06-18')
      const whole = await postStream(fleet.at(0), toolCall('c', 'close_stream', { ms: 10 }, meta), { session: old })
      expect((await whole.rest()).at(-1)?.id).toBe('c')
    })

    test('is resumed on another instance while its first connection is still open', async () => {
      const session = await initialize(fleet.at(0))
      // The call goes on until the first connection has heard of the second.
      const stream = await postStream(fleet.at(0), progress(300, 5), { session })
      const { id } = await stream.until(({ params }) => params?.progress === 3)
      // The first connection stays half open, as after a change of network. The client reads the new connection only.
      const resumed = await getStream(fleet.at(1), session, id)
      const rest = await resumed.rest()
      expect(progressOf(rest)).toEqual(Array.from({ length: 297 }, (_, i) => i + 4))
      // The first connection ends with a long `retry`.
      await stream.rest()
      expect(stream.events.at(-1)?.retry).toEqual(about(60_000))
    })
  })

  describe('an event id', () => {
    test('of another session, or one that no session issued, is 400 with a JSON-RPC body', async () => {
      const [session, other] = [await initialize(fleet.at(0)), await initialize(fleet.at(0))]
      const stream = await postStream(fleet.at(0), progress(3), { session })
      await stream.rest()
      const id = stream.events[1]?.id ?? ''
      const parts = id.split('.')
      const beyond = [parts[0], '99', ...parts.slice(2)].join('.')
      for (const [sender, value] of [
        [other, id],
        [session, beyond],
        [session, 'nonsense'],
        [session, `${id}x`],
        [session, 'get.0..AAAAAAAA'],
        [session, '../../etc.1.a.bbbbbbbb'],
      ] as const) {
        const response = await openGet(fleet.at(1), sender, value)
        expect(response.status, value).toBe(400)
        expect(((await response.json()) as { error: { code: number } }).error.code).toBe(-32600)
      }
    })

    test('whose log has expired gets a stream with an error for its request', async () => {
      const session = await initialize(fleet.at(0))
      const stream = await postStream(fleet.at(0), progress(3), { session })
      await stream.rest()
      const { Redis } = await import('ioredis')
      const redis = new Redis(fleet.redis.url)
      for (const key of await redis.keys('mcp:*:log:*')) await redis.del(key)
      await redis.quit()
      const rest = await (await getStream(fleet.at(1), session, stream.events[1]?.id)).rest()
      expect(rest).toEqual([{ jsonrpc: '2.0', id: 'c', error: { code: -32603, message: expect.any(String) } }])
    })
  })

  describe('the GET stream', () => {
    test('receives list changes and updates from every instance, each once', async () => {
      const session = await initialize(fleet.at(0))
      const get = await getStream(fleet.at(0), session)
      await subscribe(1, session)
      for (const [i, kind] of (['tools', 'prompts', 'resources'] as const).entries()) {
        await fleet.instances[i]?.announce(kind)
        await get.until(({ method }) => method === `notifications/${kind}/list_changed`)
      }
      await fleet.instances[2]?.announce('updated', URI)
      await fleet.instances[2]?.announce('updated', 'test://another')
      const { message } = await get.until(({ method }) => method === 'notifications/resources/updated')
      expect(message?.params).toEqual({ uri: URI })
      await subscribe(2, session, false)
      await fleet.instances[1]?.announce('updated', URI)
      await fleet.instances[1]?.announce('tools')
      await get.until(({ method }) => method === 'notifications/tools/list_changed')
      get.drop()
      const counts = get.events.flatMap(({ message: m }) => m?.method ?? [])
      expect(counts.filter((method) => method === 'notifications/resources/updated')).toHaveLength(1)
      expect(counts.filter((method) => method === 'notifications/tools/list_changed')).toHaveLength(2)
      expect(counts).toHaveLength(5)
    })

    test('receives the changes since its last connection once', async () => {
      const session = await initialize(fleet.at(0))
      await subscribe(0, session)
      for (let i = 0; i < 3; i++) await fleet.instances[1]?.announce('updated', URI)
      await fleet.instances[1]?.announce('prompts')
      const get = await getStream(fleet.at(2), session)
      await get.until(({ method }) => method === 'notifications/prompts/list_changed')
      await get.until(({ method }) => method === 'notifications/resources/updated')
      get.drop()
      const again = await getStream(fleet.at(1), session)
      await fleet.instances[0]?.announce('tools')
      await again.until(({ method }) => method === 'notifications/tools/list_changed')
      again.drop()
      expect(get.events.filter(({ message }) => message)).toHaveLength(2)
      expect(again.events.filter(({ message }) => message)).toHaveLength(1)
    })

    test('is taken over by a newer GET on the same or another instance, without a 409', async () => {
      const session = await initialize(fleet.at(0))
      const streams = []
      for (const at of [0, 0, 1, 2, 1]) streams.push(await getStream(fleet.at(at), session))
      const last = streams.pop()
      for (const old of streams) {
        await old.rest()
        expect(old.events.at(-1)).toMatchObject({ retry: about(60_000) })
      }
      await fleet.instances[0]?.announce('tools')
      await last?.until(({ method }) => method === 'notifications/tools/list_changed')
      expect(streams.flatMap(({ events }) => events).every(({ message }) => message === undefined)).toBe(true)
      last?.drop()
    })

    test('is resumed with its last event id and receives the changes since then', async () => {
      const session = await initialize(fleet.at(0))
      const get = await getStream(fleet.at(0), session)
      await fleet.instances[0]?.announce('tools')
      await get.until(({ method }) => method === 'notifications/tools/list_changed')
      get.drop()
      await fleet.instances[1]?.announce('prompts')
      const resumed = await getStream(fleet.at(1), session, get.lastId)
      await resumed.until(({ method }) => method === 'notifications/prompts/list_changed')
      resumed.drop()
      // A second resume from the same event id reads the same log.
      const again = await getStream(fleet.at(2), session, get.lastId)
      await again.until(({ method }) => method === 'notifications/prompts/list_changed')
      again.drop()
    })

    test('sends a warning and announces everything again when its log has expired', async () => {
      const session = await initialize(fleet.at(0))
      await subscribe(0, session)
      const get = await getStream(fleet.at(0), session)
      await fleet.instances[0]?.announce('tools')
      await get.until(({ method }) => method === 'notifications/tools/list_changed')
      get.drop()
      const next = await getStream(fleet.at(2), session)
      await fleet.instances[0]?.announce('prompts')
      await next.until(({ method }) => method === 'notifications/prompts/list_changed')
      next.drop()
      const { Redis } = await import('ioredis')
      const redis = new Redis(fleet.redis.url)
      for (const key of await redis.keys('mcp:*:log:get')) await redis.del(key)
      await redis.quit()
      const resumed = await getStream(fleet.at(1), session, get.lastId)
      const { message } = await resumed.until(({ method }) => method === 'notifications/message')
      expect(message?.params.level).toBe('warning')
      for (const method of [
        'tools/list_changed',
        'prompts/list_changed',
        'resources/list_changed',
        'resources/updated',
      ]) {
        await resumed.until((m) => m.method === `notifications/${method}`)
      }
      resumed.drop()
    })

    test('carries no messages of calls', async () => {
      const session = await initialize(fleet.at(0))
      const get = await getStream(fleet.at(1), session)
      await call(fleet.at(0), session, progress(10, 1))
      await fleet.instances[2]?.announce('tools')
      await get.until(({ method }) => method === 'notifications/tools/list_changed')
      expect(get.events.filter(({ message }) => message)).toHaveLength(1)
      get.drop()
    })
  })

  describe.runIf(isOwn)('the GET policy', () => {
    test('poll delivers waiting changes, then closes the stream with `retry`', async () => {
      const options = { session: { getPolicy: 'poll', pollWait: 50, pollRetry: 5_000 } } as const
      const instance = await InstanceProcess.start(fleet.redis.url, options)
      try {
        const session = await initialize(fleet.at(0))
        await fleet.instances[0]?.announce('tools')
        const get = await getStream(`${instance.url}/mcp`, session)
        const messages = await get.rest()
        expect(messages.map(({ method }) => method)).toEqual(['notifications/tools/list_changed'])
        expect(get.events.at(-1)?.retry).toEqual(about(5_000))
      } finally {
        await instance.kill()
      }
    })

    test('off answers 405, announces no list changes or subscriptions, and still resumes calls', async () => {
      const instance = await InstanceProcess.start(fleet.redis.url, { session: { getPolicy: 'off' } })
      try {
        const url = `${instance.url}/mcp`
        const session = await initialize(url)
        const response = await openGet(url, session)
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, DELETE'])
        const body = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
        const { result } = (await (await post(url, request(1, 'initialize', body))).json()) as {
          result: { capabilities: object }
        }
        expect(JSON.stringify(result.capabilities)).not.toMatch(/listChanged|subscribe/)
        const refused = await call(url, session, request(2, 'resources/subscribe', { uri: URI }))
        expect(refused.error?.code).toBe(-32601)
        const stream = await postStream(url, progress(50, 5), { session })
        await stream.until(({ params }) => params?.progress === 2)
        stream.drop()
        expect((await (await getStream(url, session, stream.lastId)).rest()).at(-1)?.id).toBe('c')
      } finally {
        await instance.kill()
      }
    })
  })
})
