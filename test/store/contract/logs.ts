import { describe, expect, test } from 'vitest'
import { append, call, entry, fixture, type MakeStore, MINUTE, until } from './support.ts'

export function logContract(makeStore: MakeStore): void {
  describe('a log over its bound of messages', () => {
    const f = fixture(makeStore, { log: { messages: 3 } })

    test('keeps the newest messages, and reports a position before them as trimmed', async () => {
      await f.store.append(f.key, append(1, ['a', 'b'], { register: { ...call, holder: 'i1:c1' } }))
      await f.store.append(f.key, append(3, ['c', 'd', 'e']))
      expect((await f.store.readLog(f.key, 'S')).map(({ n }) => n)).toEqual([3, 4, 5])
      expect(await f.store.take(f.key, 'S', 'i1:c2', { n: 0, tag: '' })).toEqual({ status: 'trimmed' })
      expect(await f.store.take(f.key, 'S', 'i1:c2', { n: 1, tag: 't1' })).toEqual({ status: 'trimmed' })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 1, tag: '' }, MINUTE)).toEqual({ status: 'moved' })
      expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 2, tag: '' }, MINUTE)).toMatchObject({ status: 'ok' })
      expect(await f.store.take(f.key, 'S', 'i1:c2', { n: 2, tag: 'any' })).toMatchObject({
        status: 'ok',
        position: 2,
        tag: undefined,
        entries: [entry(3, 'c'), entry(4, 'd'), entry(5, 'e')],
      })
    })

    test('is read from where it begins by a client that names no position', async () => {
      for (const n of [1, 2, 3, 4, 5]) await f.store.post(f.key, 'get', `m${n}`, 't1', `p${n}`)
      const reply = await f.store.take(f.key, 'get', 'i1:c1', undefined)
      expect(reply).toMatchObject({ status: 'ok', position: 2, tag: undefined, end: 5 })
    })

    test('goes on with its numbers, and recognises a repeat', async () => {
      await f.store.append(f.key, append(1, ['a', 'b', 'c', 'd'], { register: call }))
      expect(await f.store.append(f.key, append(1, ['a', 'b', 'c', 'd']))).toMatchObject({ status: 'ok', end: 4 })
      expect(await f.store.append(f.key, append(5, ['e'], { final: true }))).toMatchObject({ status: 'ok', end: 5 })
      expect((await f.store.readLog(f.key, 'S')).map(({ data }) => data)).toEqual(['c', 'd', 'e'])
    })
  })

  describe('a log that has expired', () => {
    const f = fixture(makeStore, { lifetimes: { ended: 60 } })

    test('is unknown after its call has ended', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call, final: true }))
      await until(async () => (await f.store.readLog(f.key, 'S')).length === 0)
      expect(await f.store.take(f.key, 'S', 'i1:c1', { n: 1, tag: 't1' })).toEqual({ status: 'unknown' })
      expect(await f.store.take(f.key, 'S', 'i1:c1', { n: 0, tag: '' })).toEqual({ status: 'unknown' })
    })
  })

  describe('an open log that has expired', () => {
    const f = fixture(makeStore, { lifetimes: { open: 500 } })

    test('of the GET stream goes on with its numbers, and reports lost entries as trimmed', async () => {
      await f.store.post(f.key, 'get', 'a', 't1', 'p1')
      await f.store.post(f.key, 'get', 'b', 't1', 'p2')
      await until(async () => (await f.store.readLog(f.key, 'get')).length === 0)
      expect(await f.store.take(f.key, 'get', 'i1:c1', { n: 1, tag: 't1' })).toEqual({ status: 'trimmed' })
      expect(await f.store.take(f.key, 'get', 'i1:c1', { n: 2, tag: 't1' })).toMatchObject({
        status: 'ok',
        entries: [],
        end: 2,
        tag: undefined,
      })
      expect(await f.store.post(f.key, 'get', 'c', 't1', 'p3')).toMatchObject({ n: 3, holder: 'i1:c1' })
      expect(await f.store.readLog(f.key, 'get')).toEqual([entry(3, 'c')])
    })

    test('is kept by the heartbeats of its holder and of its run', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: { ...call, holder: 'i1:c1' } }))
      const other = { ...call, id: 'n:2', stream: 'T' }
      await f.store.append(f.key, append(1, ['b'], { stream: 'T', register: other }))
      const left = { ...call, id: 'n:3', stream: 'U' }
      await f.store.append(f.key, append(1, ['c'], { stream: 'U', register: left }))
      await until(async () => {
        expect(await f.store.look(f.key, 'S', 'i1:c1', { n: 1, tag: '' }, MINUTE)).toMatchObject({
          status: 'ok',
          owner: 'i1:run1',
        })
        expect(await f.store.lookCall(f.key, 'T', 'i1:run1', [], MINUTE)).toMatchObject({ status: 'ok' })
        return (await f.store.readLog(f.key, 'U')).length === 0
      })
      expect(await f.store.readLog(f.key, 'S')).toHaveLength(1)
      expect(await f.store.readLog(f.key, 'T')).toHaveLength(1)
    })
  })

  describe('a heartbeat', () => {
    const f = fixture(makeStore)

    test('slides the lifetime of the session', async () => {
      const [held, run, left] = ['held', 'run', 'left'].map((name) => `${f.key}${name}`) as [string, string, string]
      for (const key of [held, run, left]) {
        await f.store.createSession(key, 'r', 400)
        await f.store.register(key, { ...call, holder: 'i1:c1' })
      }
      await f.store.look(held, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)
      await f.store.lookCall(run, 'S', 'i1:run1', [], MINUTE)
      await until(async () => (await f.store.readSession(left, undefined)) === undefined)
      expect(await f.store.readSession(held, undefined)).toBeDefined()
      expect(await f.store.readSession(run, undefined)).toBeDefined()
      expect(await f.store.look(left, 'S', 'i1:c1', { n: 0, tag: '' }, MINUTE)).toEqual({ status: 'gone' })
    })
  })
}
