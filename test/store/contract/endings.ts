import { describe, expect, test } from 'vitest'
import { append, call, entry, fixture, type MakeStore, MINUTE, newKey, until } from './support.ts'

export function endingContract(makeStore: MakeStore): void {
  describe('cancelling', () => {
    const f = fixture(makeStore)

    test('returns the owner, and the next append adds nothing', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call }))
      expect(await f.store.cancel(f.key, 'n:1')).toEqual({ status: 'ok', owner: 'i1:run1', stream: 'S' })
      expect(await f.store.cancel(f.key, 'n:1')).toEqual({ status: 'ok', owner: 'i1:run1', stream: 'S' })
      expect(await f.store.append(f.key, append(2, ['z'], { final: true }))).toMatchObject({
        status: 'cancelled',
        end: 1,
      })
      expect(await f.store.readLog(f.key, 'S')).toEqual([entry(1, 'a')])
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE)).toMatchObject({ status: 'ok', cancelled: true })
    })

    test('leaves the messages that were added before it', async () => {
      const first = append(1, ['a'], { register: call })
      await f.store.append(f.key, first)
      await f.store.cancel(f.key, 'n:1')
      expect(await f.store.append(f.key, first)).toMatchObject({ status: 'ok', end: 1 })
    })

    test('before the call registers leaves a mark, also for a repeated registration', async () => {
      expect(await f.store.cancel(f.key, 'n:1')).toEqual({ status: 'unknown' })
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'ok', cancelled: true })
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'ok', cancelled: true })
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ status: 'cancelled' })
    })

    test('before the call registers cancels that call and no later one with the same id', async () => {
      await f.store.cancel(f.key, 'n:1')
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'ok', cancelled: true })
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: true })
      const next = { ...call, stream: 'T' }
      expect(await f.store.register(f.key, next)).toMatchObject({ status: 'ok', cancelled: false })
    })

    test('before a call that registers with its first message adds nothing', async () => {
      await f.store.cancel(f.key, 'n:1')
      const first = append(1, ['a'], { register: call, final: true })
      expect(await f.store.append(f.key, first)).toMatchObject({ status: 'cancelled', end: 0 })
      expect(await f.store.append(f.key, first)).toMatchObject({ status: 'cancelled', end: 0 })
      const end = { stream: 'S', owner: 'i1:run1', mark: true }
      expect(await f.store.endCall(f.key, end)).toMatchObject({ status: 'ok', cancelled: true })
    })

    test('concerns one id in one session', async () => {
      const other = newKey()
      await f.store.createSession(other, 'r', MINUTE)
      await f.store.cancel(f.key, 's:1')
      await f.store.cancel(other, 'n:1')
      expect(await f.store.register(f.key, call)).toMatchObject({ cancelled: false })
    })
  })

  describe('the cancel of an id that several calls have', () => {
    const f = fixture(makeStore)
    const nth = (n: number) => ({ ...call, stream: `S${n}`, owner: `i1:run${n}` })

    test('cancels the newest, and a repeat the same one; when that has ended, another', async () => {
      for (const n of [1, 2, 3]) await f.store.register(f.key, nth(n))
      for (const n of [3, 1, 2]) {
        expect(await f.store.cancel(f.key, 'n:1')).toMatchObject({ status: 'ok', stream: `S${n}` })
        expect(await f.store.cancel(f.key, 'n:1')).toMatchObject({ status: 'ok', stream: `S${n}` })
        const end = { stream: `S${n}`, owner: `i1:run${n}`, mark: true }
        expect(await f.store.endCall(f.key, end)).toMatchObject({ status: 'ok', cancelled: true })
      }
      expect(await f.store.cancel(f.key, 'n:1')).toEqual({ status: 'unknown' })
    })

    test('leaves a mark that does not count for a call which began later', async () => {
      await f.store.cancel(f.key, 'n:9')
      await f.store.setValue('user', f.key, 'v', 20)
      await until(async () => (await f.store.getValue('user', f.key)) === undefined)
      const late = { ...call, id: 'n:9', stream: 'late', markAge: 1 }
      expect(await f.store.register(f.key, late)).toMatchObject({ status: 'ok', cancelled: false })
      const early = { ...call, id: 'n:9', stream: 'early', markAge: 60_000 }
      expect(await f.store.register(f.key, early)).toMatchObject({ status: 'ok', cancelled: true })
    })

    test('finds one whose newer namesake has ended', async () => {
      for (const n of [1, 2]) await f.store.register(f.key, nth(n))
      await f.store.endCall(f.key, { stream: 'S2', owner: 'i1:run2', mark: true })
      expect(await f.store.cancel(f.key, 'n:1')).toMatchObject({ status: 'ok', stream: 'S1' })
    })
  })

  describe('the mark of an early cancel', () => {
    const f = fixture(makeStore, { lifetimes: { cancelMark: 100 } })

    test('expires, and the cancel of a registered call does not', async () => {
      await f.store.cancel(f.key, 'n:1')
      await f.store.register(f.key, call)
      await f.store.cancel(f.key, 'n:2')
      // Later than the mark, it is gone too.
      await f.store.setValue('user', f.key, 'v', 150)
      await until(async () => (await f.store.getValue('user', f.key)) === undefined)
      const late = { ...call, id: 'n:2', stream: 'T' }
      expect(await f.store.register(f.key, late)).toMatchObject({ status: 'ok', cancelled: false })
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE)).toMatchObject({ cancelled: true })
    })
  })

  describe('ending a call without a message', () => {
    const f = fixture(makeStore)

    test('marks the end of the log and returns the holder, also when repeated', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' } }))
      await f.store.cancel(f.key, 'n:1')
      const end = { stream: 'S', owner: 'i1:run1', mark: true }
      expect(await f.store.endCall(f.key, end)).toEqual({ status: 'ok', cancelled: true, holder: 'i1:c1' })
      expect(await f.store.endCall(f.key, end)).toEqual({ status: 'ok', cancelled: true, holder: 'i1:c1' })
      const log = await f.store.readLog(f.key, 'S')
      expect(log.map(({ n, data, final }) => ({ n, data, final }))).toEqual([
        { n: 1, data: 'a', final: false },
        { n: 2, data: '', final: true },
      ])
    })

    test('without a mark leaves no log', async () => {
      await f.store.register(f.key, call)
      const end = { stream: 'S', owner: 'i1:run1', mark: false }
      expect(await f.store.endCall(f.key, end)).toEqual({ status: 'ok', cancelled: false, holder: undefined })
      expect(await f.store.endCall(f.key, end)).toEqual({ status: 'ok', cancelled: false, holder: undefined })
      expect(await f.store.readLog(f.key, 'S')).toEqual([])
      expect(await f.store.take(f.key, 'S', 'i1:c1', undefined)).toEqual({ status: 'unknown' })
    })

    test('is refused to another run', async () => {
      await f.store.register(f.key, call)
      const end = { stream: 'S', owner: 'i2:run2', mark: true }
      expect(await f.store.endCall(f.key, end)).toEqual({ status: 'lost' })
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ status: 'ok' })
    })
  })

  describe('claiming a call', () => {
    const f = fixture(makeStore)

    test('gives it to the new run, and the old run can add nothing', async () => {
      await f.store.append(f.key, append(1, ['a', 'b'], { register: { ...call, request: '{"r":1}' } }))
      const reply = await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')
      expect(reply).toEqual({ status: 'ok', cancelled: false, end: 2, id: 'n:1', request: '{"r":1}', asks: [] })
      expect(await f.store.append(f.key, append(3, ['x']))).toMatchObject({ status: 'lost', end: 2 })
      const next = append(3, ['c'], { owner: 'i2:run2', tag: 't2' })
      expect(await f.store.append(f.key, next)).toMatchObject({ status: 'ok', end: 3 })
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', [], MINUTE)).toMatchObject({ status: 'lost' })
    })

    test('returns the asks of the runs before, which the last message forgets', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call, asks: ['q1', 'q2'] }))
      await f.store.answer(f.key, 'q1', 'yes')
      const claim = await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')
      const asks = claim.status === 'ok' ? claim.asks : []
      expect([...asks].sort()).toEqual(['q1', 'q2'])
      await f.store.append(f.key, append(2, ['z'], { owner: 'i2:run2', final: true, forget: asks }))
      for (const ask of asks) expect(await f.store.answer(f.key, ask, 'yes')).toEqual({ status: 'unknown' })
    })

    test('can be repeated by the same run', async () => {
      await f.store.register(f.key, call)
      await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')
      expect(await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')).toMatchObject({ status: 'ok', id: 'n:1' })
    })

    test('is lost where another run was first, and over where the call has ended', async () => {
      await f.store.register(f.key, call)
      await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')
      expect(await f.store.claim(f.key, 'S', 'i1:run1', 'i3:run3')).toMatchObject({ status: 'lost' })
      await f.store.endCall(f.key, { stream: 'S', owner: 'i2:run2', mark: true })
      expect(await f.store.claim(f.key, 'S', 'i2:run2', 'i3:run3')).toMatchObject({ status: 'over' })
    })

    test('reports a cancelled call, and has no request where none was stored', async () => {
      await f.store.register(f.key, call)
      await f.store.cancel(f.key, 'n:1')
      expect(await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')).toEqual({
        status: 'ok',
        cancelled: true,
        end: 0,
        id: 'n:1',
        request: undefined,
        asks: [],
      })
    })

    test('a released call can be claimed once, by any run', async () => {
      await f.store.register(f.key, call)
      await f.store.releaseCall(f.key, 'S', 'i9:other')
      expect(await f.store.claim(f.key, 'S', '', 'i2:run2')).toMatchObject({ status: 'lost' })
      await f.store.releaseCall(f.key, 'S', 'i1:run1')
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ status: 'lost' })
      expect(await f.store.setLevel(f.key, 'info')).toEqual({ status: 'ok', owners: [] })
      expect(await f.store.claim(f.key, 'S', '', 'i2:run2')).toMatchObject({ status: 'ok' })
      expect(await f.store.claim(f.key, 'S', '', 'i3:run3')).toMatchObject({ status: 'lost' })
    })

    test('a released call ends with its cancel, since no run would end it', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, asks: ['q1'] }))
      await f.store.releaseCall(f.key, 'S', 'i1:run1')
      const ended = { status: 'ended', holder: 'i1:c1', stream: 'S' }
      expect(await f.store.cancel(f.key, 'n:1')).toEqual(ended)
      // The library sends it again, since the reply was lost.
      expect(await f.store.cancel(f.key, 'n:1')).toEqual(ended)
      expect(await f.store.claim(f.key, 'S', '', 'i2:run2')).toEqual({ status: 'over' })
      expect(await f.store.answer(f.key, 'q1', 'late')).toEqual({ status: 'unknown' })
      expect((await f.store.readLog(f.key, 'S')).at(-1)).toMatchObject({ n: 2, data: '', final: true })
      expect(await f.store.register(f.key, call)).toMatchObject({ status: 'lost' })
      expect(await f.store.register(f.key, { ...call, stream: 'T' })).toMatchObject({ cancelled: false })
    })
  })
}
