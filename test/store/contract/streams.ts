import { describe, expect, test } from 'vitest'
import { append, call, entry, fixture, type MakeStore, MINUTE } from './support.ts'

export function streamContract(makeStore: MakeStore): void {
  describe('taking a stream', () => {
    const f = fixture(makeStore)

    test('returns the entries after the position, and the owner', async () => {
      await f.store.setLevel(f.key, 'info')
      await f.store.append(f.key, append(1, ['a', 'b', 'c'], { register: { ...call, holder: 'i1:c1' } }))
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 1, tag: 't1' })).toEqual({
        status: 'ok',
        entries: [entry(2, 'b'), entry(3, 'c')],
        end: 3,
        position: 1,
        tag: 't1',
        previous: 'i1:c1',
        owner: 'i1:run1',
        ended: false,
        level: 'info',
      })
      expect(await f.store.append(f.key, append(4, ['d']))).toMatchObject({ holder: 'i2:c2' })
    })

    test('starts from the beginning at 0', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call }))
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 0, tag: '' })).toMatchObject({
        status: 'ok',
        entries: [entry(1, 'a')],
        position: 0,
        tag: undefined,
        previous: undefined,
      })
    })

    test('of a call without a message is empty', async () => {
      await f.store.register(f.key, call)
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 0, tag: '' })).toMatchObject({
        status: 'ok',
        entries: [],
        end: 0,
        owner: 'i1:run1',
        ended: false,
      })
    })

    test('of a call that has ended has no owner', async () => {
      await f.store.append(f.key, append(1, ['a', 'z'], { register: call, final: true }))
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 1, tag: 't1' })).toMatchObject({
        status: 'ok',
        entries: [entry(2, 'z', { final: true })],
        owner: undefined,
        ended: true,
      })
      expect(await f.store.take(f.key, 'S', 'i2:c3', { n: 2, tag: 't1' })).toMatchObject({
        status: 'ok',
        entries: [],
        ended: true,
      })
    })

    test('of a released call returns an empty owner', async () => {
      await f.store.register(f.key, call)
      await f.store.releaseCall(f.key, 'S', 'i1:run1')
      expect(await f.store.take(f.key, 'S', 'i2:c2', undefined)).toMatchObject({ status: 'ok', owner: '' })
    })

    test('without a log is unknown, except the GET stream', async () => {
      expect(await f.store.take(f.key, 'nope', 'i2:c2', { n: 0, tag: '' })).toEqual({ status: 'unknown' })
      expect(await f.store.take(f.key, 'get', 'i2:c2', undefined)).toMatchObject({
        status: 'ok',
        entries: [],
        end: 0,
        position: 0,
        owner: undefined,
        ended: false,
      })
    })

    test('beyond its end, or with another tag, is refused', async () => {
      await f.store.append(f.key, append(1, ['a', 'b'], { register: { ...call, holder: 'i1:c1' } }))
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 3, tag: 't1' })).toEqual({ status: 'beyond' })
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 1, tag: 'tx' })).toEqual({ status: 'beyond' })
      expect(await f.store.take(f.key, 'get', 'i2:c2', { n: 1, tag: 't1' })).toEqual({ status: 'beyond' })
      // And the stream stays where it was.
      expect(await f.store.append(f.key, append(3, ['c']))).toMatchObject({ holder: 'i1:c1' })
      expect(await f.store.take(f.key, 'S', 'i2:c2', { n: 1, tag: '' })).toMatchObject({ status: 'ok' })
    })

    test('can be repeated by the same connection', async () => {
      await f.store.post(f.key, 'get', 'a', 't1', 'p1')
      const first = await f.store.take(f.key, 'get', 'i1:c1', undefined)
      expect(first).toMatchObject({ position: 0, entries: [entry(1, 'a')] })
      expect(await f.store.take(f.key, 'get', 'i1:c1', undefined)).toEqual({ ...first, previous: 'i1:c1' })
    })
  })

  describe('what a holder was sent', () => {
    const f = fixture(makeStore)

    test('is not sent to the next holder, which named no position', async () => {
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      await f.store.post(f.key, 'get', 'a', 't1', 'p1')
      expect(await f.store.take(f.key, 'get', 'i1:c2', undefined)).toMatchObject({
        position: 1,
        entries: [],
        previous: 'i1:c1',
      })
      await f.store.post(f.key, 'get', 'b', 't1', 'p2')
      await f.store.release(f.key, 'get', 'i1:c2')
      await f.store.post(f.key, 'get', 'c', 't1', 'p3')
      expect(await f.store.take(f.key, 'get', 'i1:c3', undefined)).toMatchObject({
        position: 2,
        tag: 't1',
        entries: [entry(3, 'c')],
        previous: undefined,
      })
    })

    test('is sent to a holder that names a position before it', async () => {
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      await f.store.post(f.key, 'get', 'a', 't1', 'p1')
      expect(await f.store.take(f.key, 'get', 'i1:c2', { n: 0, tag: '' })).toMatchObject({ entries: [entry(1, 'a')] })
    })

    test('is kept for the stream of a call too', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' } }))
      await f.store.release(f.key, 'S', 'i1:c1')
      await f.store.append(f.key, append(2, ['b']))
      expect(await f.store.take(f.key, 'S', 'i1:c2', undefined)).toMatchObject({
        position: 1,
        entries: [entry(2, 'b')],
      })
    })
  })

  describe('releasing a stream', () => {
    const f = fixture(makeStore)

    test('is for its holder only', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      await f.store.take(f.key, 'S', 'i1:c2', undefined)
      await f.store.release(f.key, 'S', 'i1:c1')
      expect(await f.store.append(f.key, append(1, ['a']))).toMatchObject({ holder: 'i1:c2' })
      await f.store.release(f.key, 'S', 'i1:c2')
      await f.store.release(f.key, 'S', 'i1:c2')
      expect(await f.store.append(f.key, append(2, ['b']))).toMatchObject({ holder: undefined })
    })

    test('after the end of the call leaves no holder and no owner', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' }, final: true }))
      await f.store.release(f.key, 'S', 'i1:c1')
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'ok', holders: [], owners: [] })
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'gone' })
    })
  })

  describe('the heartbeat of a holder', () => {
    const f = fixture(makeStore)

    test('returns entries whose mail was lost', async () => {
      await f.store.append(f.key, append(1, ['a', 'b'], { register: { ...call, holder: 'i1:c1' } }))
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 1, tag: '' }, MINUTE)).toEqual({
        status: 'ok',
        entries: [entry(2, 'b')],
        owner: 'i1:run1',
        ended: false,
        held: 0,
        heldFor: 0,
      })
      await f.store.append(f.key, append(3, ['z'], { final: true }))
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 2, tag: 't1' }, MINUTE)).toMatchObject({
        entries: [entry(3, 'z', { final: true })],
        owner: undefined,
        ended: true,
      })
    })

    test('reports that another connection holds the stream', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      await f.store.take(f.key, 'S', 'i2:c2', undefined)
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toEqual({ status: 'moved' })
      expect(await f.store.look(f.key, 'S', 'i2:c2', { n: 0, tag: '' }, MINUTE)).toMatchObject({ status: 'ok' })
    })

    test('reports a log that was rolled back', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' } }))
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 2, tag: '' }, MINUTE)).toEqual({ status: 'moved' })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 1, tag: 'tx' }, MINUTE)).toEqual({ status: 'moved' })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 1, tag: '' }, MINUTE)).toMatchObject({ status: 'ok' })
    })

    test('reports the end of a call that left no log', async () => {
      await f.store.register(f.key, { ...call, holder: 'i1:c1' })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toMatchObject({
        ended: false,
        owner: 'i1:run1',
      })
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: false })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toMatchObject({
        ended: true,
        owner: undefined,
      })
    })

    test('of the GET stream has no owner and no end', async () => {
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      await f.store.post(f.key, 'get', 'a', 't1', 'p1')
      expect(await f.store.look(f.key, 'get', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toEqual({
        status: 'ok',
        entries: [entry(1, 'a')],
        owner: undefined,
        ended: false,
        held: 0,
        heldFor: 0,
      })
    })
  })

  describe('posting to a stream that no run owns', () => {
    const f = fixture(makeStore)

    test('returns number and holder, and adds once for each id', async () => {
      expect(await f.store.post(f.key, 'get', 'a', 't1', 'p1')).toEqual({
        status: 'ok',
        n: 1,
        holder: undefined,
        held: 0,
        heldFor: 0,
      })
      await f.store.take(f.key, 'get', 'i1:c1', undefined)
      expect(await f.store.post(f.key, 'get', 'b', 't2', 'p2')).toEqual({
        status: 'ok',
        n: 2,
        holder: 'i1:c1',
        held: 0,
        heldFor: 0,
      })
      expect(await f.store.post(f.key, 'get', 'a', 't1', 'p1')).toEqual({
        status: 'ok',
        n: 1,
        holder: 'i1:c1',
        held: 0,
        heldFor: 0,
      })
      expect(await f.store.readLog(f.key, 'get')).toEqual([entry(1, 'a'), entry(2, 'b', { tag: 't2' })])
    })
  })

  describe('replacing the holder of a stream without a log', () => {
    const f = fixture(makeStore)
    const replace = (expected: string, holder: string) => f.store.replaceHolder(f.key, 'process', expected, holder)

    test('gives the stream to one of several, and names that one to the others', async () => {
      expect(await replace('', '')).toEqual({ status: 'ok' })
      expect(await replace('', 'i1:c1')).toEqual({ status: 'ok' })
      expect(await replace('', 'i2:c2')).toEqual({ status: 'moved', holder: 'i1:c1' })
      expect(await replace('', '')).toEqual({ status: 'moved', holder: 'i1:c1' })
    })

    test('is ok for the holder itself, also when it is repeated', async () => {
      await replace('', 'i1:c1')
      expect(await replace('', 'i1:c1')).toEqual({ status: 'ok' })
      expect(await replace('i1:c1', 'i2:c2')).toEqual({ status: 'ok' })
      expect(await replace('i1:c1', 'i2:c2')).toEqual({ status: 'ok' })
      expect(await replace('i1:c1', 'i1:c1')).toEqual({ status: 'moved', holder: 'i2:c2' })
      expect(await replace('i1:c1', '')).toEqual({ status: 'moved', holder: 'i2:c2' })
    })

    test('gives it up', async () => {
      await replace('', 'i1:c1')
      expect(await replace('i1:c1', '')).toEqual({ status: 'ok' })
      expect(await replace('i1:c1', '')).toEqual({ status: 'ok' })
      expect(await replace('', 'i2:c2')).toEqual({ status: 'ok' })
    })

    test('DELETE returns the holder, and the stream is gone then', async () => {
      await replace('', 'i1:c1')
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'ok', holders: ['i1:c1'], owners: [] })
      expect(await replace('', 'i2:c2')).toEqual({ status: 'gone' })
    })
  })
}
