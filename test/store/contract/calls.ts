import { describe, expect, test } from 'vitest'
import { append, call, entry, fixture, type MakeStore, MINUTE, newKey } from './support.ts'

export function callContract(makeStore: MakeStore): void {
  describe('registering a call', () => {
    const f = fixture(makeStore)

    test('returns the level, and later replies name its holder', async () => {
      await f.store.setLevel(f.key, 'warning')
      const reply = await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      expect(reply).toEqual({ status: 'ok', cancelled: false, level: 'warning' })
      expect(await f.store.append(f.key, append(1, ['a']))).toEqual({
        status: 'ok',
        end: 1,
        holder: 'i1:c1',
        level: 'warning',
        held: 0,
        heldFor: 0,
      })
    })

    test('is done beside another call of the session with the same id, and each ends for itself', async () => {
      await f.store.register(f.key, call)
      const other = { ...call, stream: 'T', owner: 'i2:run2' }
      const last = append(1, ['b'], { stream: 'T', owner: 'i2:run2', register: other, final: true })
      expect(await f.store.append(f.key, last)).toMatchObject({ status: 'ok' })
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ status: 'ok' })
      const third = { ...call, stream: 'U', owner: 'i3:run3' }
      expect(await f.store.register(f.key, third)).toMatchObject({ status: 'ok' })
      expect(await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: true })).toMatchObject({
        status: 'ok',
      })
      expect(await f.store.register(f.key, third)).toMatchObject({ status: 'ok' })
      expect(await f.store.cancel(f.key, 'n:1')).toMatchObject({ status: 'ok', stream: 'U' })
    })

    test('is refused to a run that does not own the call', async () => {
      await f.store.register(f.key, call)
      expect(await f.store.register(f.key, { ...call, owner: 'i2:run2' })).toMatchObject({ status: 'lost' })
    })

    test('can be repeated by the same run, and does not take the stream back from a newer holder', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      await f.store.take(f.key, 'S', 'i2:c2', undefined)
      expect(await f.store.register(f.key, { ...call, holder: 'i1:c1' })).toMatchObject({ status: 'ok' })
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ holder: 'i2:c2' })
    })

    test('distinguishes ids by type, and sessions', async () => {
      const other = newKey()
      await f.store.createSession(other, 'r', MINUTE)
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'ok' })
      expect(await f.store.register(f.key, { ...call, id: 's:1', stream: 'T' })).toMatchObject({ status: 'ok' })
      expect(await f.store.register(other, { ...call, owner: 'i2:run2' })).toMatchObject({ status: 'ok' })
    })

    test('is refused once the call has ended, however late it comes', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call, final: true }))
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'lost' })
      const second = { ...call, id: 'n:2', stream: 'T' }
      await f.store.register(f.key, second)
      await f.store.endCall(f.key, { stream: 'T', owner: 'i1:run1', mark: false })
      expect(await f.store.register(f.key, second)).toMatchObject({ status: 'lost' })
    })
  })

  describe('appending', () => {
    const f = fixture(makeStore)

    test('registers and adds in one step', async () => {
      const reply = await f.store.append(f.key, append(1, ['a', 'b'], { register: { ...call, holder: 'i1:c1' } }))
      expect(reply).toEqual({ status: 'ok', end: 2, holder: 'i1:c1', level: undefined, held: 0, heldFor: 0 })
      expect(await f.store.readLog(f.key, 'S')).toEqual([entry(1, 'a'), entry(2, 'b')])
    })

    test('is refused to a call that is not registered', async () => {
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ status: 'lost', end: 0 })
      expect(await f.store.readLog(f.key, 'S')).toEqual([])
    })

    test('is refused to another run (the fence)', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call }))
      const reply = await f.store.append(f.key, append(2, ['x'], { owner: 'i1:run2', tag: 't2' }))
      expect(reply).toMatchObject({ status: 'lost', end: 1 })
      expect(await f.store.append(f.key, append(1, ['x'], { owner: 'i1:run2', tag: 't2' }))).toMatchObject({
        status: 'lost',
      })
      expect(await f.store.readLog(f.key, 'S')).toEqual([entry(1, 'a')])
    })

    test('can be repeated by the same run', async () => {
      const first = append(1, ['a', 'b'], { register: call })
      await f.store.append(f.key, first)
      expect(await f.store.append(f.key, first)).toMatchObject({ status: 'ok', end: 2 })
      await f.store.append(f.key, append(3, ['c']))
      expect(await f.store.append(f.key, append(3, ['c']))).toMatchObject({ status: 'ok', end: 3 })
      expect(await f.store.append(f.key, first)).toMatchObject({ status: 'ok', end: 3 })
      expect((await f.store.readLog(f.key, 'S')).map(({ data }) => data)).toEqual(['a', 'b', 'c'])
    })

    test('can be repeated where it registered and ended the call in one step', async () => {
      const only = append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, final: true })
      expect(await f.store.append(f.key, only)).toMatchObject({ status: 'ok', end: 1, holder: 'i1:c1' })
      expect(await f.store.append(f.key, only)).toMatchObject({ status: 'ok', end: 1, holder: 'i1:c1' })
      expect(await f.store.readLog(f.key, 'S')).toEqual([entry(1, 'a', { final: true })])
      expect(await f.store.setLevel(f.key, 'info')).toEqual({ status: 'ok', owners: [] })
    })

    test('is refused where it would leave a hole, and where its numbers are in use', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call }))
      expect(await f.store.append(f.key, append(3, ['c']))).toMatchObject({ status: 'gap', end: 1 })
      expect(await f.store.append(f.key, append(1, ['x'], { tag: 't2' }))).toMatchObject({ status: 'lost', end: 1 })
      expect(await f.store.append(f.key, append(2, ['b']))).toMatchObject({ status: 'ok', end: 2 })
    })

    test('of the last message ends the call in the same step', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' } }))
      const reply = await f.store.append(f.key, append(2, ['b', 'z'], { final: true }))
      expect(reply).toMatchObject({ status: 'ok', end: 3, holder: 'i1:c1' })
      expect(await f.store.readLog(f.key, 'S')).toEqual([entry(1, 'a'), entry(2, 'b'), entry(3, 'z', { final: true })])
      expect(await f.store.append(f.key, append(4, ['x']))).toMatchObject({ status: 'lost', end: 3 })
      expect(await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')).toMatchObject({ status: 'over' })
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE)).toMatchObject({ status: 'lost' })
      // The id is free again; MCP does not reuse ids, but a refusal here would be a leak.
      expect(await f.store.register(f.key, { ...call, stream: 'T' })).toMatchObject({ status: 'ok' })
    })
  })

  describe('the calls of a session', () => {
    const f = fixture(makeStore)

    test('are listed with their owners, while they last', async () => {
      const { store, key } = f
      expect(await store.calls(key)).toEqual([])
      await store.register(key, { ...call, holder: 'i1:c1', request: '{}' })
      await store.register(key, { id: 's:1', stream: 'T', owner: 'i2:run2' })
      await store.register(key, { id: 'n:3', stream: 'U', owner: 'i3:run3' })
      await store.releaseCall(key, 'T', 'i2:run2')
      await store.endCall(key, { stream: 'U', owner: 'i3:run3', mark: true })
      const listed = await store.calls(key)
      expect(listed.sort((a, b) => a.stream.localeCompare(b.stream))).toEqual([
        { id: 'n:1', stream: 'S', owner: 'i1:run1', holder: 'i1:c1' },
        { id: 's:1', stream: 'T', owner: '', holder: undefined },
      ])
      await store.deleteSession(key)
      expect(await store.calls(key)).toEqual([])
    })
  })
}
