/**
 * `notifications/cancelled` and DELETE on another instance than the call's. Heartbeats are off: only mail delivers
 * them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { RawSession } from '../support/raw.ts'
import {
  call,
  EventReader,
  getStream,
  initialize,
  openGet,
  post,
  postStream,
  request,
  toolCall,
} from '../support/raw.ts'
import { V1, written } from '../support/written.ts'

describe.each(written(V1))('$name', ({ module, isOwn }) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet({ session: { heartbeat: 0 } }, { module })
  })
  afterAll(() => fleet.stop())

  const cancelled = (requestId: string | number) => ({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId, reason: 'enough' },
  })

  async function cancel(at: number, session: RawSession, id: string | number): Promise<void> {
    const response = await post(fleet.at(at), cancelled(id), { session })
    expect(response.status).toBe(202)
    expect(await response.text()).toBe('')
  }

  /** The process in which a `slow` call with this label was aborted. */
  async function abortedIn(label: string): Promise<number> {
    const session = await initialize(fleet.at(0))
    return eventually(async () => {
      const { result } = await call(fleet.at(0), session, toolCall(1, 'user_get', { name: `aborted:${label}` }))
      const pid = JSON.parse(result.content[0].text) as number | null
      return pid ?? undefined
    })
  }

  async function idle(): Promise<void> {
    for (const instance of fleet.instances) {
      await eventually(async () => {
        const { calls, unregistered, connections } = await instance.stats()
        return calls + unregistered + connections === 0 ? true : undefined
      })
    }
  }

  describe('notifications/cancelled', () => {
    test('on another instance aborts a call that has sent nothing, and its POST ends as an empty stream', async () => {
      const session = await initialize(fleet.at(0))
      const answered = post(fleet.at(0), toolCall(1, 'slow', { ms: 600_000, label: 'silent' }), { session })
      await eventually(async () => ((await fleet.instances[0]?.stats())?.calls ? true : undefined))
      await cancel(1, session, 1)
      const response = await answered
      expect(response.headers.get('content-type')).toBe('text/event-stream')
      expect(await new EventReader(response).rest()).toEqual([])
      expect(await abortedIn('silent')).toBe(fleet.instances[0]?.child.pid)
      await idle()
    })

    test('ends the stream of a call that has sent messages, and resuming it is 405', async () => {
      const session = await initialize(fleet.at(0))
      const meta = { progressToken: 'p' }
      const stream = await postStream(fleet.at(0), toolCall(1, 'progress', { n: 1e5, delayMs: 5 }, meta), { session })
      await stream.until(({ params }) => params?.progress === 3)
      await cancel(2, session, 1)
      const rest = await stream.rest()
      expect(rest.every(({ method }) => method === 'notifications/progress')).toBe(true)
      const again = await openGet(fleet.at(1), session, stream.lastId)
      expect(again.status).toBe(405)
      await idle()
    })

    test('that arrives before its call cancels the call', async () => {
      const session = await initialize(fleet.at(0))
      await cancel(1, session, 'soon')
      const response = await post(fleet.at(0), toolCall('soon', 'slow', { ms: 600_000, label: 'overtaken' }), {
        session,
      })
      expect(await new EventReader(response).rest()).toEqual([])
      expect(await abortedIn('overtaken')).toBe(fleet.instances[0]?.child.pid)
    })

    test('does not cancel the call 1 for the id "1", nor the call of another session', async () => {
      const [session, other] = [await initialize(fleet.at(0)), await initialize(fleet.at(0))]
      const meta = { progressToken: 'p' }
      const mine = await postStream(fleet.at(0), toolCall(1, 'progress', { n: 60, delayMs: 10 }, meta), { session })
      await mine.until(({ params }) => params?.progress === 1)
      await cancel(1, session, '1')
      await cancel(1, other, 1)
      expect((await mine.rest()).at(-1)?.id).toBe(1)
    })

    test('is 202 and has no effect when the call is unknown or finished, or the message is malformed', async () => {
      const session = await initialize(fleet.at(0))
      await call(fleet.at(0), session, toolCall(1, 'echo', { message: 'x' }))
      await cancel(1, session, 1)
      for (const params of [{}, { requestId: null }, { requestId: {} }]) {
        const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params }
        expect((await post(fleet.at(1), notification, { session })).status).toBe(202)
      }
      // The store keeps a cancel mark for the id 1 for some seconds. Another id is not affected.
      expect((await call(fleet.at(0), session, toolCall(2, 'echo', { message: 'y' }))).result.content[0].text).toBe('y')
    })

    test('makes the POST of a client that accepts JSON only an empty 202', async () => {
      const session = await initialize(fleet.at(0))
      const slow = toolCall(1, 'slow', { ms: 600_000, label: 'json' })
      const answered = post(fleet.at(0), slow, { session, accept: 'application/json' })
      await eventually(async () => ((await fleet.instances[0]?.stats())?.calls ? true : undefined))
      await cancel(1, session, 1)
      const response = await answered
      expect([response.status, await response.text()]).toEqual([202, ''])
    })
  })

  describe('DELETE', () => {
    async function end(at: number, session: RawSession): Promise<number> {
      const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }
      const response = await fetch(fleet.at(at), { method: 'DELETE', headers })
      await response.text()
      return response.status
    }

    test('on another instance ends streams and calls, and every instance answers 404 from then on', async () => {
      const session = await initialize(fleet.at(0))
      const get = await getStream(fleet.at(2), session)
      const stream = await postStream(fleet.at(0), toolCall(1, 'ask'), { session })
      const { message } = await stream.until(({ method }) => method === 'elicitation/create')
      const silent = post(fleet.at(1), toolCall(2, 'slow', { ms: 600_000, label: 'deleted' }), { session })
      await eventually(async () => ((await fleet.instances[1]?.stats())?.calls ? true : undefined))
      expect(await end(1, session)).toBe(204)
      for (const at of [0, 1, 2]) {
        const late = await post(fleet.at(at), request(9, 'tools/list'), { session })
        expect(late.status).toBe(404)
        expect(((await late.json()) as { error: { code: number } }).error.code).toBe(-32001)
        expect((await openGet(fleet.at(at), session)).status).toBe(404)
        expect((await openGet(fleet.at(at), session, stream.lastId)).status).toBe(404)
        expect((await post(fleet.at(at), { jsonrpc: '2.0', id: message?.id, result: {} }, { session })).status).toBe(
          404,
        )
        expect(await end(at, session)).toBe(404)
      }
      expect(await stream.rest()).toEqual([])
      expect(await get.rest()).toEqual([])
      expect((await silent).status).toBe(404)
      expect(await abortedIn('deleted')).toBe(fleet.instances[1]?.child.pid)
      await idle()
    })

    test('does not wait for a stopped instance, whose later appends are refused', async () => {
      const session = await initialize(fleet.at(0))
      const meta = { progressToken: 'p' }
      const stream = await postStream(fleet.at(0), toolCall(1, 'progress', { n: 1e5, delayMs: 5 }, meta), { session })
      await stream.until(({ params }) => params?.progress === 2)
      fleet.instances[0]?.signal('SIGSTOP')
      try {
        expect(await end(1, session)).toBe(204)
      } finally {
        fleet.instances[0]?.signal('SIGCONT')
      }
      const rest = await stream.rest()
      expect(rest.some(({ id }) => id === 1)).toBe(false)
      await idle()
    })

    test.runIf(isOwn)('leaves no key of the session in Redis', async () => {
      await idle()
      const before = new Set(await keysOf(fleet))
      const session = await initialize(fleet.at(0))
      await call(fleet.at(1), session, toolCall(1, 'remember', { name: 'kept', value: 'x' }))
      await call(fleet.at(2), session, request(2, 'resources/subscribe', { uri: 'test://watched-resource' }))
      const stream = await postStream(fleet.at(0), toolCall(3, 'progress', { n: 3 }, { progressToken: 1 }), { session })
      await stream.rest()
      await idle()
      expect((await keysOf(fleet)).filter((key) => !before.has(key)).length).toBeGreaterThanOrEqual(2)
      expect(await end(1, session)).toBe(204)
      // Signs of life and mailboxes belong to the instances.
      const left = (await keysOf(fleet)).filter((key) => !before.has(key) && !/^mcp:(up:|\{bus\})/.test(key))
      expect(left).toEqual([])
    })
  })

  async function keysOf({ redis }: Fleet): Promise<string[]> {
    const { Redis } = await import('ioredis')
    const client = new Redis(redis.url)
    const keys = await client.keys('*')
    await client.quit()
    return keys
  }
})
