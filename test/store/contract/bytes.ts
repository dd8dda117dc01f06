/** Bytes: what sessions and clients keep is counted where it is written, has bounds, and is counted no longer when it is gone. */
import { describe, expect, test } from 'vitest'
import type { CallLook } from '../../../lib/store/calls.ts'
import type { LookReply } from '../../../lib/store/streams.ts'
import { append, call, fixture, type MakeStore, MINUTE, newKey, until } from './support.ts'

const KIB = 1024
const text = (bytes: number) => 'x'.repeat(bytes)

export function byteContract(make: MakeStore): void {
  describe('the bytes of a session', () => {
    const f = fixture(make, { sessionBytes: 256 * KIB })

    /** A call that ends with a message of so many bytes; returns what the session keeps afterwards. */
    async function logged(n: number, bytes: number): Promise<number> {
      const [stream, owner] = [`S${n}`, `i1:run${n}`]
      await f.store.register(f.key, { id: `n:${n}`, stream, owner })
      return (await f.store.append(f.key, append(1, [text(bytes)], { stream, owner, final: true }))).held
    }

    test('are those of its logs, counted at their end', async () => {
      expect(await logged(1, 1_000)).toBe(1_000)
      expect(await logged(2, 500)).toBe(1_500)
    })

    test('are counted while a log grows', async () => {
      await f.store.register(f.key, call)
      let held = 0
      for (let n = 1; n <= 10; n++) held = (await f.store.append(f.key, append(n, [text(20 * KIB)]))).held
      expect(held).toBeGreaterThan(128 * KIB)
      expect(held).toBeLessThanOrEqual(200 * KIB)
      expect((await f.store.append(f.key, append(11, ['end'], { final: true }))).held).toBe(200 * KIB + 3)
    })

    test('beyond the bound leave a log its newest messages, and mark the session as full', async () => {
      await f.store.register(f.key, call)
      for (let n = 1; n <= 40; n++) {
        const { status, held } = await f.store.append(f.key, append(n, [text(64 * KIB)]))
        expect(status).toBe('ok')
        expect(held).toBeLessThanOrEqual(256 * KIB)
      }
      const log = await f.store.readLog(f.key, 'S')
      expect(log.length).toBeLessThanOrEqual(4)
      expect(log.at(-1)?.n).toBe(40)
      expect((await f.store.readSession(f.key, undefined))?.full).toBe(true)
      await f.store.relieve(f.key)
      expect((await f.store.readSession(f.key, undefined))?.full).toBe(true)
      // A session that keeps less is relieved.
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: false })
      await f.store.relieve(f.key)
      expect((await f.store.readSession(f.key, undefined))?.full).toBe(false)
      expect(await logged(9, 100)).toBe(100)
    })

    test('of many calls are bounded too: each log keeps its last message', async () => {
      for (let n = 1; n <= 6; n++) await logged(n, 50 * KIB)
      expect((await f.store.readSession(f.key, undefined))?.full).toBe(true)
      expect(await f.store.readLog(f.key, 'S6')).toHaveLength(1)
    })

    test('have those of stored requests, until the call ends; a request beyond the bound is not stored', async () => {
      await f.store.register(f.key, { ...call, request: text(200 * KIB) })
      const second = { id: 'n:2', stream: 'T', owner: 'i1:run2', request: text(100 * KIB) }
      expect(await f.store.register(f.key, second)).toMatchObject({ status: 'ok' })
      const claimed = await f.store.claim(f.key, 'T', 'i1:run2', 'i2:run2')
      expect(claimed).toMatchObject({ status: 'ok', request: undefined })
      const small = await f.store.append(f.key, append(1, ['a'], { stream: 'T', owner: 'i2:run2', final: true }))
      expect(small.held).toBeGreaterThanOrEqual(200 * KIB)
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: false })
      expect(await logged(3, 10)).toBe(11)
    })

    test('have those of a request that registers with its first message', async () => {
      const register = { ...call, request: text(100 * KIB) }
      expect((await f.store.append(f.key, append(1, ['a'], { register }))).held).toBeGreaterThanOrEqual(100 * KIB)
      expect((await f.store.append(f.key, append(2, ['b'], { final: true }))).held).toBe(2)
    })

    test('have those of answers, until the call ends; an answer beyond the bound is refused', async () => {
      await f.store.register(f.key, call)
      await f.store.append(f.key, append(1, ['ask'], { asks: ['q1', 'q2'] }))
      expect(await f.store.answer(f.key, 'q1', text(200 * KIB))).toMatchObject({ status: 'ok' })
      expect(await f.store.answer(f.key, 'q1', text(200 * KIB))).toMatchObject({ status: 'ok' })
      expect(await f.store.answer(f.key, 'q2', text(2_560 * KIB))).toEqual({ status: 'full' })
      expect(await f.store.answer(f.key, 'q2', 'yes')).toMatchObject({ status: 'ok' })
      const end = append(2, ['end'], { final: true, forget: ['q1', 'q2'] })
      expect((await f.store.append(f.key, end)).held).toBe(6)
    })

    test('end with a call that ends without a message', async () => {
      await f.store.register(f.key, { ...call, request: text(100 * KIB) })
      await f.store.append(f.key, append(1, ['ask'], { asks: ['q1'] }))
      await f.store.answer(f.key, 'q1', text(100 * KIB))
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: true, forget: ['q1'] })
      expect(await logged(2, 10)).toBe(13)
    })

    test('have those of the GET stream, which keeps its messages', async () => {
      for (let n = 1; n <= 6; n++) await f.store.post(f.key, 'get', text(60 * KIB), 't1', `p${n}`)
      expect(await f.store.readLog(f.key, 'get')).toHaveLength(6)
      expect((await f.store.readSession(f.key, undefined))?.full).toBe(true)
    })

    test('are nothing in a new session, and are forgotten with DELETE', async () => {
      await logged(1, 100 * KIB)
      await f.store.deleteSession(f.key)
      await f.store.createSession(f.key, 'record', MINUTE)
      expect(await logged(2, 10)).toBe(10)
    })
  })

  describe('what is kept alive is counted', () => {
    const f = fixture(make, { lifetimes: { open: 1_500 } })
    const end = { stream: 'T', owner: 'i1:run2', final: true } as const
    /** What the session keeps beside a call that ends now. */
    const held = async () => {
      await f.store.register(f.key, { id: 'n:2', stream: 'T', owner: 'i1:run2' })
      return (await f.store.append(f.key, append(1, ['a'], end))).held
    }
    /** Twice as long as something lives that nothing slides. */
    const forAWhile = async (beat: () => Promise<unknown>) => {
      await f.store.setValue('user', f.key, 'v', 2_500)
      await until(async () => {
        await beat()
        return (await f.store.getValue('user', f.key)) === undefined
      })
    }

    test('the log, the request and the answers of a call by the heartbeats of its run', async () => {
      await f.store.register(f.key, { ...call, request: text(10_000) })
      await f.store.append(f.key, append(1, [text(100_000)], { asks: ['q'] }))
      await f.store.answer(f.key, 'q', text(20_000))
      let look: CallLook | undefined
      await forAWhile(async () => (look = await f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE)))
      expect(look).toMatchObject({ held: 130_000 })
      expect(look?.status === 'ok' && look.heldFor).toBeGreaterThan(0)
      expect(await held()).toBe(130_001)
    })

    test('a request alone', async () => {
      await f.store.register(f.key, { ...call, request: text(10_000) })
      await forAWhile(() => f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE))
      expect(await held()).toBe(10_001)
    })

    test('the log of a stream by the heartbeats of its holder', async () => {
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      await f.store.post(f.key, 'get', text(100_000), 't1', 'p1')
      let look: LookReply | undefined
      const position = { n: 1, tag: 't1' }
      await forAWhile(async () => (look = await f.store.look(f.key, 'get', 'i1:c1', position, MINUTE)))
      expect(look).toMatchObject({ held: 100_000 })
      expect(await held()).toBe(100_001)
    })

    test('a log by messages that are too short to be counted', async () => {
      await f.store.register(f.key, call)
      await f.store.append(f.key, append(1, [text(100_000)]))
      let n = 2
      await forAWhile(() => f.store.append(f.key, append(n++, ['b'])))
      expect(await held()).toBeGreaterThan(100_000)
    })

    test('and is counted no longer where nothing slides it', async () => {
      await f.store.register(f.key, { ...call, request: text(10_000) })
      await f.store.append(f.key, append(1, [text(100_000)]))
      await f.store.setValue('user', f.key, 'v', 2_500)
      await until(async () => (await f.store.getValue('user', f.key)) === undefined)
      expect(await held()).toBe(1)
    })
  })

  describe('the log of the GET stream', () => {
    const f = fixture(make)

    test('is trimmed by its holder, and no longer counted as far as it is gone', async () => {
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      for (let n = 1; n <= 3; n++) await f.store.post(f.key, 'get', text(100_000), 't1', `p${n}`)
      expect(await f.store.trim(f.key, 'get', 'i2:c2', 2)).toEqual({ status: 'moved' })
      expect(await f.store.trim(f.key, 'get', 'i1:c1', 2)).toMatchObject({ status: 'ok', held: 100_000 })
      expect(await f.store.trim(f.key, 'get', 'i1:c1', 2)).toMatchObject({ status: 'ok', held: 100_000 })
      expect((await f.store.readLog(f.key, 'get')).map(({ n }) => n)).toEqual([3])
      const look = await f.store.look(f.key, 'get', 'i1:c1', { n: 2, tag: 't1' }, MINUTE)
      expect(look).toMatchObject({ status: 'ok', entries: [{ n: 3 }] })
      expect(await f.store.trim(f.key, 'get', 'i1:c1', 3)).toMatchObject({ status: 'ok', held: 0 })
      expect(await f.store.post(f.key, 'get', 'next', 't1', 'p4')).toMatchObject({ n: 4 })
      const all = await f.store.look(f.key, 'get', 'i1:c1', { n: 3, tag: 't1' }, MINUTE)
      expect(all).toMatchObject({ status: 'ok', entries: [{ n: 4, data: 'next' }] })
      expect(await f.store.trim(newKey(), 'get', 'i1:c1', 2)).toEqual({ status: 'gone' })
    })
  })

  describe('the log of a call that has ended', () => {
    test('lives for a short while too where no connection held it', async () => {
      const store = await make({ lifetimes: { delivered: 50, ended: MINUTE } })
      const key = newKey()
      await store.createSession(key, 'record', MINUTE)
      await store.register(key, call)
      await store.append(key, append(1, ['a'], { final: true }))
      await store.release(key, 'S', '', true)
      await until(async () => (await store.readLog(key, 'S')).length === 0)
      await store.close()
    })

    test('lives for a short while once its last message was sent', async () => {
      const store = await make({ lifetimes: { delivered: 50, ended: MINUTE } })
      const key = newKey()
      await store.createSession(key, 'record', MINUTE)
      for (const [stream, sent] of [
        ['S', true],
        ['T', false],
      ] as const) {
        const owner = `i1:${stream}`
        await store.register(key, { id: `n:${stream}`, stream, owner, holder: 'i1:c1' })
        await store.append(key, append(1, [text(100_000)], { stream, owner, final: true }))
        await store.release(key, stream, 'i1:c1', sent)
      }
      await until(async () => (await store.readLog(key, 'S')).length === 0)
      expect(await store.readLog(key, 'T')).toHaveLength(1)
      // It is counted no longer than it lives.
      await store.register(key, call)
      expect((await store.append(key, append(1, ['a'], { final: true }))).held).toBe(100_001)
      await store.close()
    })

    test('is not shortened by another connection', async () => {
      const store = await make({ lifetimes: { delivered: 1, ended: MINUTE } })
      const key = newKey()
      await store.createSession(key, 'record', MINUTE)
      await store.register(key, { ...call, holder: 'i1:c1' })
      await store.append(key, append(1, ['a'], { final: true }))
      await store.take(key, 'S', 'i2:c2', { n: 0, tag: '' })
      await store.release(key, 'S', 'i1:c1', true)
      expect(await store.readLog(key, 'S')).toHaveLength(1)
      await store.close()
    })
  })

  describe('the values of a session', () => {
    const f = fixture(make, { dataBytes: 1_000 })

    test('have a bound in bytes, and a value that is removed or becomes shorter makes room', async () => {
      expect(await f.store.setData(f.key, 'a', text(600))).toEqual({ status: 'ok' })
      expect(await f.store.setData(f.key, 'b', text(10_000))).toEqual({ status: 'full' })
      expect(await f.store.getData(f.key, 'b')).toBeUndefined()
      expect(await f.store.setData(f.key, 'b', text(390))).toEqual({ status: 'ok' })
      expect(await f.store.setData(f.key, 'c', text(100))).toEqual({ status: 'full' })
      expect(await f.store.setData(f.key, 'a', text(500))).toEqual({ status: 'ok' })
      expect(await f.store.setData(f.key, 'c', text(100))).toEqual({ status: 'ok' })
      await f.store.setData(f.key, 'b', undefined)
      expect(await f.store.setData(f.key, 'd', text(350))).toEqual({ status: 'ok' })
      expect(await f.store.setData(f.key, 'd', text(350))).toEqual({ status: 'ok' })
    })
  })

  describe('the URIs of subscriptions', () => {
    const f = fixture(make)
    const uri = (i: number) => `note://${i}/${text(2_000)}`

    test('have a bound in bytes, and an unsubscribe makes room', async () => {
      const statuses: string[] = []
      for (let i = 100; i < 400; i++) statuses.push((await f.store.subscribe(f.key, uri(i), 1_000)).status)
      const taken = statuses.indexOf('full')
      expect(taken).toBe(Math.floor((256 * KIB) / uri(100).length))
      expect(await f.store.subscribe(f.key, uri(100), 1_000)).toMatchObject({ status: 'ok' })
      await f.store.unsubscribe(f.key, uri(100))
      expect(await f.store.subscribe(f.key, uri(900), 1_000)).toMatchObject({ status: 'ok' })
      expect(await f.store.subscribe(f.key, uri(901), 1_000)).toEqual({ status: 'full' })
    })
  })

  describe('cancels that come before their calls', () => {
    test('leave so many marks, and the calls of others run', async () => {
      // None expires before all are there, on a busy machine either.
      const store = await make({ lifetimes: { cancelMark: 10 * MINUTE } })
      const key = newKey()
      await store.createSession(key, 'record', MINUTE)
      for (let i = 0; i < 220; i++) await store.cancel(key, `n:${i}`)
      const cancelled = async (i: number) => {
        const one = { id: `n:${i}`, stream: `S${i}`, owner: 'i1:run1' }
        const reply = await store.register(key, one)
        return reply.status === 'ok' && reply.cancelled
      }
      expect([await cancelled(0), await cancelled(199), await cancelled(200), await cancelled(219)]).toEqual([
        true,
        true,
        false,
        false,
      ])
      await store.close()
    })

    test('leave marks again when those have expired', async () => {
      const store = await make({ lifetimes: { cancelMark: 40 } })
      const key = newKey()
      await store.createSession(key, 'record', MINUTE)
      for (let i = 0; i < 201; i++) await store.cancel(key, `n:${i}`)
      let n = 1_000
      await until(async () => {
        const id = `n:${n++}`
        await store.cancel(key, id)
        const reply = await store.register(key, { id, stream: `S${n}`, owner: 'i1:run1' })
        return reply.status === 'ok' && reply.cancelled
      })
      await store.close()
    })
  })

  describe('the bytes of a client', () => {
    test('are those of its sessions, each counted once and for its time', async () => {
      const store = await make()
      expect(await store.weigh('a', 's1', 100, MINUTE)).toBe(100)
      expect(await store.weigh('a', 's2', 50, MINUTE)).toBe(150)
      expect(await store.weigh('a', 's1', 30, MINUTE)).toBe(80)
      expect(await store.weigh('b', 's1', 7, MINUTE)).toBe(7)
      expect(await store.weigh('a', 's2', 0, 0)).toBe(30)
      expect(await store.weigh('a', 's3', 5, 1)).toBeGreaterThanOrEqual(30)
      await until(async () => (await store.weigh('a', '-', 0, MINUTE)) === 30)
      await store.close()
    })
  })

  test('the bytes of many sessions that have expired do not count', async () => {
    const store = await make()
    const many = Array.from({ length: 200 }, (_, i) => store.weigh('a', `s${i}`, 10, i === 0 ? MINUTE : 1))
    await Promise.all(many)
    // They expire before this value does.
    await store.setValue('user', 'a', 'v', 20)
    await until(async () => (await store.getValue('user', 'a')) === undefined)
    expect(await store.weigh('a', '-', 0, MINUTE)).toBe(10)
    await store.close()
  })

  test('a store with room is not nearly full', async () => {
    const store = await make()
    expect(store.nearlyFull()).toBe(false)
    await store.ping()
    expect(store.nearlyFull()).toBe(false)
    await store.close()
  })
}
