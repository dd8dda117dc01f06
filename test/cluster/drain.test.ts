/** SIGTERM: an instance drains, and no session, stream or call is lost. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, InstanceProcess, startFleet } from '../support/fleet.ts'
import {
  call,
  EventReader,
  getStream,
  initialize,
  post,
  postStream,
  type RawSession,
  toolCall,
} from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { V2, written } from '../support/written.ts'

describe.each(written(V2))('$name', ({ module, isOwn }) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet({}, { size: 1, module })
  })
  afterAll(() => fleet.stop())

  const meta = { progressToken: 'p' }

  async function startLeaving(drainTimeout = 20_000): Promise<InstanceProcess> {
    return InstanceProcess.start(fleet.redis.url, { session: { drainTimeout, lease: 2_000 } }, false, undefined, module)
  }

  test('streams of 2025-11-25 close with `retry`, the call runs on, and its client resumes on another instance', async () => {
    const leaving = await startLeaving()
    const url = `${leaving.url}/mcp`
    const session = await initialize(url)
    const get = await getStream(url, session)
    const stream = await postStream(url, toolCall(1, 'progress', { n: 100, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    leaving.signal('SIGTERM')
    await stream.rest()
    await get.rest()
    expect(stream.events.at(-1)).toEqual({ retry: about(1_000) })
    // A GET stream comes back later, by a millisecond for each connection that the instance had.
    expect(get.events.at(-1)).toEqual({ retry: about(1_000, 2) })
    const rest = await (await getStream(fleet.at(0), session, stream.lastId)).rest()
    expect(rest.at(-1)?.result.content[0].text).toContain(`done 100 by ${leaving.child.pid}`)
    expect(await leaving.ended()).toBe(0)
    expect(leaving.errors).toEqual([])
  })

  test('streams of older revisions stay open until the call is answered', async () => {
    const leaving = await startLeaving()
    const url = `${leaving.url}/mcp`
    const session = await initialize(url, '2025-06-18')
    const stream = await postStream(url, toolCall(1, 'progress', { n: 30, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    leaving.signal('SIGTERM')
    expect((await stream.rest()).at(-1)?.result.content[0].text).toContain('done 30')
    expect(await leaving.ended()).toBe(0)
  })

  const userValue = async (session: RawSession, name: string) =>
    (await call(fleet.at(0), session, toolCall(9, 'user_get', { name }))).result.content[0].text

  test.runIf(isOwn)('work that a tool has left is waited for', async () => {
    const leaving = await startLeaving()
    const url = `${leaving.url}/mcp`
    const session = await initialize(url)
    const { result } = await call(url, session, toolCall(1, 'leave', { ms: 500, label: 'done' }))
    expect(result.content[0].text).toBe(`left by ${leaving.child.pid}`)
    leaving.signal('SIGTERM')
    expect(await leaving.ended()).toBe(0)
    expect(leaving.errors).toEqual([])
    expect(await userValue(session, 'left:done')).toContain(String(leaving.child.pid))
  })

  test.runIf(isOwn)('work that is not done at the drain timeout is in the log', async () => {
    const leaving = await startLeaving(300)
    const url = `${leaving.url}/mcp`
    await call(url, await initialize(url), toolCall(1, 'leave', { ms: 600_000, label: 'lost' }))
    leaving.signal('SIGTERM')
    expect(await leaving.ended()).toBe(0)
    expect(leaving.errors.join('\n')).toContain(
      'a promise of tools/call "leave" had not settled when this instance shut down',
    )
  })

  test('a rerunnable call is handed over at the drain timeout', async () => {
    const leaving = await startLeaving(300)
    const url = `${leaving.url}/mcp`
    const session = await initialize(url)
    const stream = await postStream(url, toolCall(1, 'rerunnable', { n: 100, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    leaving.signal('SIGTERM')
    await stream.rest()
    const rest = await (await getStream(fleet.at(0), session, stream.lastId)).rest()
    expect(rest.at(-1)?.result.content[0].text).toContain(`by ${fleet.instances[0]?.child.pid}`)
    const progress = [...stream.events.flatMap(({ message }) => message ?? []), ...rest].flatMap(
      (m) => m.params?.progress ?? [],
    )
    expect(progress).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(await leaving.ended()).toBe(0)
  })

  test.runIf(isOwn)('a rerunnable call that has sent nothing begins its stream then, and is handed over', async () => {
    const leaving = await startLeaving(300)
    const session = await initialize(`${leaving.url}/mcp`)
    const posted = postStream(`${leaving.url}/mcp`, toolCall(1, 'gated_rerunnable', { gate: 'quiet' }), { session })
    await eventually(async () => ((await leaving.stats()).calls === 1 ? true : undefined))
    leaving.signal('SIGTERM')
    const stream = await posted
    expect(await stream.rest()).toEqual([])
    const resumed = await getStream(fleet.at(0), session, stream.lastId)
    expect(await leaving.ended()).toBe(0)
    await call(fleet.at(0), session, toolCall(2, 'user_set', { name: 'gate:quiet', value: 'open' }))
    const rest = await resumed.rest()
    expect(rest.map(({ result }) => result?.content[0].text)).toEqual([
      `through quiet by ${fleet.instances[0]?.child.pid}`,
    ])
  })

  test.runIf(isOwn)('a call that was taken over, and has sent nothing since, is handed over again', async () => {
    const [first, second] = [await startLeaving(300), await startLeaving(300)]
    const session = await initialize(`${first.url}/mcp`)
    const message = toolCall(1, 'gated_rerunnable', { gate: 'twice' }, meta)
    const stream = await postStream(`${first.url}/mcp`, message, { session })
    await stream.until(({ params }) => params?.progress === 1)
    first.signal('SIGTERM')
    await stream.rest()
    const resumed = await getStream(`${second.url}/mcp`, session, stream.lastId)
    await eventually(async () => ((await second.stats()).calls === 1 ? true : undefined))
    expect(await first.ended()).toBe(0)
    second.signal('SIGTERM')
    expect(await resumed.rest()).toEqual([])
    const last = await getStream(fleet.at(0), session, stream.lastId)
    expect(await second.ended()).toBe(0)
    await call(fleet.at(0), session, toolCall(2, 'user_set', { name: 'gate:twice', value: 'open' }))
    const rest = await last.rest()
    expect(rest.map(({ params, result }) => params?.progress ?? result?.content[0].text)).toEqual([
      2,
      `through twice by ${fleet.instances[0]?.child.pid}`,
    ])
  })

  test.each(['2025-06-18', '2025-11-25'])(
    'a call that may not run again gets an error at the drain timeout (%s)',
    async (version) => {
      const leaving = await startLeaving(300)
      const url = `${leaving.url}/mcp`
      const session = await initialize(url, version)
      const stream = await postStream(url, toolCall(1, 'progress', { n: 1e5, delayMs: 20 }, meta), { session })
      await stream.until(({ params }) => params?.progress === 3)
      const silent = post(url, toolCall(2, 'slow', { ms: 600_000 }), { session, accept: 'application/json' })
      const soon = post(url, toolCall(3, 'slow', { ms: 10 }), { session, accept: 'application/json' })
      expect(((await (await soon).json()) as { result: object }).result).toBeDefined()
      leaving.signal('SIGTERM')
      const here = await stream.rest()
      const rest = version === '2025-11-25' ? await (await getStream(fleet.at(0), session, stream.lastId)).rest() : here
      expect(rest.at(-1)).toMatchObject({
        id: 1,
        error: { code: -32603, message: expect.stringContaining('shut down') },
      })
      expect(await (await silent).json()).toMatchObject({ id: 2, error: { code: -32603 } })
      expect(await leaving.ended()).toBe(0)
    },
  )

  test('a drain waits for stateless calls, and ends subscriptions/listen with its result', async () => {
    const leaving = await startLeaving()
    const url = `${leaving.url}/mcp`
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
    const listen = { jsonrpc: '2.0', id: 'L', method: 'subscriptions/listen' }
    const params = { notifications: { toolsListChanged: true }, _meta }
    const listening = new EventReader(await post(url, { ...listen, params }, { headers }))
    expect((await listening.message())?.method).toBe('notifications/subscriptions/acknowledged')
    const calling = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'slow' }
    const slow = post(url, toolCall(2, 'slow', { ms: 1_000 }, _meta), { headers: calling })
    await eventually(async () => ((await leaving.stats()).unregistered === 1 ? true : undefined))
    leaving.signal('SIGTERM')
    const [last] = await listening.rest()
    expect(last).toMatchObject({ id: 'L', result: { resultType: 'complete' } })
    expect(await (await slow).json()).toMatchObject({ id: 2, result: { resultType: 'complete' } })
    expect(await leaving.ended()).toBe(0)
  })

  test('a drained instance leaves no key of its own in Redis', async () => {
    const leaving = await startLeaving()
    const { id } = await leaving.stats()
    const session = await initialize(`${leaving.url}/mcp`)
    const get = await getStream(`${leaving.url}/mcp`, session)
    const { Redis } = await import('ioredis')
    const redis = new Redis(fleet.redis.url)
    const own = async () => (await redis.keys('*')).filter((key) => key.includes(id))
    expect(await own()).not.toEqual([])
    leaving.signal('SIGTERM')
    await get.rest()
    expect(await leaving.ended()).toBe(0)
    expect(await own()).toEqual([])
    await redis.quit()
  })
})
