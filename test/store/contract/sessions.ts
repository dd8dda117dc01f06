import { describe, expect, test } from 'vitest'
import { append, call, fixture, type MakeStore, MINUTE, newKey, until } from './support.ts'

export function sessionContract(makeStore: MakeStore): void {
  describe('sessions', () => {
    const f = fixture(makeStore)

    test('a session that was written is read', async () => {
      expect(await f.store.readSession(f.key, MINUTE)).toEqual({
        record: 'record',
        level: undefined,
        full: false,
        first: true,
      })
      expect((await f.store.readSession(f.key, MINUTE))?.first).toBeUndefined()
    })

    test('a session that was never written does not exist', async () => {
      expect(await f.store.readSession(newKey(), MINUTE)).toBeUndefined()
    })

    test('writing a session again changes nothing', async () => {
      await f.store.setLevel(f.key, 'error')
      expect(await f.store.createSession(f.key, 'other', MINUTE)).toEqual({ status: 'ok' })
      expect(await f.store.readSession(f.key, undefined)).toEqual({ record: 'record', level: 'error', full: false })
    })

    test('a record is replaced where the session exists', async () => {
      expect(await f.store.replaceRecord(f.key, 'second')).toEqual({ status: 'ok' })
      expect(await f.store.readSession(f.key, undefined)).toMatchObject({ record: 'second' })
      const other = newKey()
      expect(await f.store.replaceRecord(other, 'x')).toEqual({ status: 'gone' })
      expect(await f.store.readSession(other, undefined)).toBeUndefined()
    })

    test('a session ends with its lifetime', async () => {
      const short = newKey()
      await f.store.createSession(short, 'record', 40)
      await until(async () => (await f.store.readSession(short, undefined)) === undefined)
    })

    test('ends where it is older than a session may become now, by a read and by each heartbeat', async () => {
      const keys = [newKey(), newKey(), newKey()] as const
      for (const key of keys) {
        await f.store.createSession(key, 'record', MINUTE, undefined, MINUTE)
        await f.store.register(key, { id: 'n:1', stream: 'S', owner: 'i1:run1', holder: 'i1:c1' })
      }
      await f.store.setValue('user', keys[0], 'v', 20)
      await until(async () => (await f.store.getValue('user', keys[0])) === undefined)
      await f.store.readSession(keys[0], MINUTE, 20)
      await f.store.lookCall(keys[1], 'S', 'i1:run1', [], MINUTE, 20)
      await f.store.look(keys[2], 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE, 20)
      for (const key of keys) await until(async () => (await f.store.readSession(key, undefined)) === undefined)
      expect(await f.store.readSession(f.key, MINUTE, MINUTE)).toBeDefined()
    })

    test('reading slides the lifetime', async () => {
      const [slid, left] = [newKey(), newKey()]
      await f.store.createSession(slid, 'record', 400)
      await f.store.createSession(left, 'record', 400)
      expect(await f.store.readSession(slid, MINUTE)).toBeDefined()
      await until(async () => (await f.store.readSession(left, undefined)) === undefined)
      expect(await f.store.readSession(slid, undefined)).toBeDefined()
    })

    test('a session ends at its greatest age, however it is used', async () => {
      const reads = async (key: string) => (await f.store.readSession(key, MINUTE)) !== undefined
      const [read, held, running, lasting] = [newKey(), newKey(), newKey(), newKey()]
      for (const key of [read, held, running]) await f.store.createSession(key, 'record', MINUTE, undefined, 600)
      await f.store.createSession(lasting, 'record', MINUTE, undefined, MINUTE)
      await f.store.take(held, 'get', 'i1:c1', undefined)
      await f.store.register(running, call)
      const left = async () => [
        await reads(read),
        (await f.store.look(held, 'get', 'i1:c1', { n: 0, tag: '' }, MINUTE)).status !== 'gone',
        (await f.store.lookCall(running, 'S', 'i1:run1', [], MINUTE)).status !== 'gone',
      ]
      await until(async () => !(await left()).includes(true))
      expect(await f.store.readSession(read, undefined)).toBeUndefined()
      expect(await reads(lasting)).toBe(true)
    })

    test('every read returns the level', async () => {
      expect(await f.store.setLevel(f.key, 'debug')).toEqual({ status: 'ok', owners: [] })
      expect(await f.store.readSession(f.key, undefined)).toEqual({ record: 'record', level: 'debug', full: false })
      expect(await f.store.setLevel(newKey(), 'debug')).toEqual({ status: 'gone' })
    })

    test('setting the level returns the owners of registered calls', async () => {
      await f.store.register(f.key, call)
      await f.store.register(f.key, { id: 's:1', stream: 'T', owner: 'i2:run2' })
      const reply = await f.store.setLevel(f.key, 'info')
      expect(reply.status === 'ok' && reply.owners.sort()).toEqual(['i1:run1', 'i2:run2'])
    })

    test('data is kept by name, removed, and never written without a session', async () => {
      expect(await f.store.setData(f.key, 'a', '1')).toEqual({ status: 'ok' })
      expect(await f.store.setData(f.key, '__proto__', '2')).toEqual({ status: 'ok' })
      expect(await f.store.getData(f.key, 'a')).toBe('1')
      expect(await f.store.getData(f.key, '__proto__')).toBe('2')
      expect(await f.store.setData(f.key, 'a', undefined)).toEqual({ status: 'ok' })
      expect(await f.store.getData(f.key, 'a')).toBeUndefined()
      const other = newKey()
      expect(await f.store.setData(other, 'a', '1')).toEqual({ status: 'gone' })
      expect(await f.store.getData(other, 'a')).toBeUndefined()
    })

    test('text of any kind comes back as it was', async () => {
      const text = 'é\u0000\n"🙂"\u2028'
      await f.store.setData(f.key, text, text)
      expect(await f.store.getData(f.key, text)).toBe(text)
    })

    test('subscriptions are listed, and changing them returns the holder of the GET stream', async () => {
      expect(await f.store.subscribe(f.key, 'file:///a', 10)).toEqual({ status: 'ok', holder: undefined })
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      expect(await f.store.subscribe(f.key, 'file:///b', 10)).toEqual({ status: 'ok', holder: 'i1:c1' })
      expect(await f.store.subscribe(f.key, 'file:///b', 10)).toEqual({ status: 'ok', holder: 'i1:c1' })
      expect((await f.store.subscriptions(f.key)).sort()).toEqual(['file:///a', 'file:///b'])
      expect(await f.store.unsubscribe(f.key, 'file:///a')).toEqual({ status: 'ok', holder: 'i1:c1' })
      expect(await f.store.subscriptions(f.key)).toEqual(['file:///b'])
      const other = newKey()
      expect(await f.store.subscribe(other, 'file:///a', 10)).toEqual({ status: 'gone' })
      expect(await f.store.unsubscribe(other, 'file:///a')).toEqual({ status: 'gone' })
      expect(await f.store.subscriptions(other)).toEqual([])
    })

    test('subscriptions have a limit, which a repeated one does not reach', async () => {
      const subscribe = (uri: string) => f.store.subscribe(f.key, uri, 2)
      const ok = { status: 'ok', holder: undefined }
      expect([await subscribe('a'), await subscribe('b'), await subscribe('a')]).toEqual([ok, ok, ok])
      expect(await subscribe('c')).toEqual({ status: 'full' })
      await f.store.unsubscribe(f.key, 'never')
      expect(await subscribe('c')).toEqual({ status: 'full' })
      await f.store.unsubscribe(f.key, 'a')
      await f.store.unsubscribe(f.key, 'a')
      expect([await subscribe('c'), await subscribe('d')]).toEqual([ok, { status: 'full' }])
      expect((await f.store.subscriptions(f.key)).sort()).toEqual(['b', 'c'])
    })
  })

  describe('limits', () => {
    const f = fixture(makeStore)
    const owner = () => ({ id: newKey(), max: 2 })

    test('sessions of a principal have a limit', async () => {
      const mine = owner()
      const [a, b, c] = [newKey(), newKey(), newKey()]
      expect(await f.store.createSession(a, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
      expect(await f.store.createSession(b, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
      expect(await f.store.createSession(c, 'r', MINUTE, mine)).toEqual({ status: 'full' })
      expect(await f.store.readSession(c, undefined)).toBeUndefined()
      expect(await f.store.createSession(c, 'r', MINUTE, owner())).toEqual({ status: 'ok' })
    })

    test('a repeat is not counted twice', async () => {
      const mine = owner()
      const [a, b] = [newKey(), newKey()]
      await f.store.createSession(a, 'r', MINUTE, mine)
      expect(await f.store.createSession(a, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
      expect(await f.store.createSession(b, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
      expect(await f.store.createSession(b, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
    })

    test('a session that was deleted makes room', async () => {
      const mine = owner()
      const [a, b, c] = [newKey(), newKey(), newKey()]
      await f.store.createSession(a, 'r', MINUTE, mine)
      await f.store.createSession(b, 'r', MINUTE, mine)
      await f.store.deleteSession(a, mine)
      expect(await f.store.createSession(c, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
    })

    test('a session that expired makes room, and one whose lifetime was slid does not', async () => {
      const mine = owner()
      const [expired, slid, c, d] = [newKey(), newKey(), newKey(), newKey()]
      await f.store.createSession(slid, 'r', 400, mine)
      await f.store.readSession(slid, MINUTE)
      await f.store.createSession(expired, 'r', 400, mine)
      await until(async () => (await f.store.readSession(expired, undefined)) === undefined)
      expect(await f.store.createSession(c, 'r', MINUTE, mine)).toEqual({ status: 'ok' })
      expect(await f.store.createSession(d, 'r', MINUTE, mine)).toEqual({ status: 'full' })
      expect(await f.store.readSession(slid, undefined)).toBeDefined()
    })
  })

  describe('deleting a session', () => {
    const f = fixture(makeStore)

    test('returns holders and owners, also when repeated', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      await f.store.take(f.key, 'get', 'i2:c2', undefined)
      for (const status of ['ok', 'repeated']) {
        const reply = await f.store.deleteSession(f.key)
        expect(reply).toMatchObject({ status, owners: ['i1:run1'] })
        expect('holders' in reply && reply.holders.sort()).toEqual(['i1:c1', 'i2:c2'])
      }
    })

    test('a holder that released its stream since is not returned again', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      await f.store.take(f.key, 'get', 'i2:c2', undefined)
      await f.store.deleteSession(f.key)
      await f.store.release(f.key, 'S', 'i1:other')
      await f.store.release(f.key, 'get', 'i2:c2')
      expect(await f.store.deleteSession(f.key)).toEqual({
        status: 'repeated',
        holders: ['i1:c1'],
        owners: ['i1:run1'],
      })
      await f.store.release(f.key, 'S', 'i1:c1')
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'repeated', holders: [], owners: ['i1:run1'] })
    })

    test('is gone where there is no session, no holder and no owner', async () => {
      expect(await f.store.deleteSession(newKey())).toEqual({ status: 'gone' })
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'ok', holders: [], owners: [] })
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'gone' })
    })

    test('is final: every later operation finds nothing and writes nothing', async () => {
      const { store, key } = f
      await store.append(key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, asks: ['q'] }))
      await store.take(key, 'get', 'i1:g', undefined)
      const from = (await store.changePosition(key)) ?? ''
      await store.setData(key, 'a', '1')
      await store.deleteSession(key)

      expect(await store.readSession(key, MINUTE)).toBeUndefined()
      expect(await store.replaceRecord(key, 'x')).toEqual({ status: 'gone' })
      expect(await store.getData(key, 'a')).toBeUndefined()
      expect(await store.setData(key, 'a', '1')).toEqual({ status: 'gone' })
      expect(await store.setLevel(key, 'info')).toEqual({ status: 'gone' })
      expect(await store.subscribe(key, 'u', 10)).toEqual({ status: 'gone' })
      expect(await store.changePosition(key)).toBeUndefined()
      expect(await store.register(key, call)).toMatchObject({ status: 'gone' })
      expect(await store.append(key, append(2, ['b']))).toMatchObject({ status: 'gone' })
      expect(await store.append(key, append(1, ['a']))).toMatchObject({ status: 'gone' })
      expect(await store.endCall(key, { stream: 'S', owner: 'i1:run1', mark: true })).toMatchObject({ status: 'gone' })
      expect(await store.lookCall(key, 'S', 'i1:run1', ['q'], MINUTE)).toMatchObject({ status: 'gone' })
      expect(await store.claim(key, 'S', 'i1:run1', 'i2:run2')).toMatchObject({ status: 'gone' })
      expect(await store.post(key, 'get', 'm', 't', 'p1')).toMatchObject({ status: 'gone' })
      expect(await store.take(key, 'S', 'i1:c2', undefined)).toEqual({ status: 'gone' })
      expect(await store.look(key, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toEqual({ status: 'gone' })
      expect(await store.readLog(key, 'S')).toEqual([])
      expect(await store.cancel(key, 'n:1')).toEqual({ status: 'unknown' })
      expect(await store.answer(key, 'q', 'v')).toEqual({ status: 'unknown' })
      expect(await store.closeAsk(key, 'q')).toBeUndefined()
      const advance = { holder: 'i1:g', tag: 't', from, to: '9-0', messages: ['m'], updates: [] }
      expect(await store.advance(key, advance)).toEqual({ status: 'gone' })
      await store.releaseCall(key, 'S', 'i1:run1')
      await store.release(key, 'S', 'i1:c1')
      expect(await store.readSession(key, MINUTE)).toBeUndefined()
      // An instance that notifies the session's parts still finds them.
      expect(await store.deleteSession(key)).toMatchObject({ status: 'repeated', owners: ['i1:run1'] })
    })
  })
}
