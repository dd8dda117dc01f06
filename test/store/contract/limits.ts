import { describe, expect, test } from 'vitest'
import { append, call, fixture, type MakeStore, MINUTE, newKey, until } from './support.ts'

export function limitContract(makeStore: MakeStore): void {
  describe('counts', () => {
    const f = fixture(makeStore)

    test('add up, each separately, and expire after the last addition', async () => {
      const [a, b] = [newKey(), newKey()]
      expect(await f.store.count(a, 3, 300)).toBe(3)
      expect(await f.store.count(a, 4, 300)).toBe(7)
      expect(await f.store.count(b, 1, MINUTE)).toBe(1)
      await until(async () => (await f.store.count(a, 0, 1)) === 0)
      expect(await f.store.count(b, 0, MINUTE)).toBe(1)
    })
  })

  describe('a count of members', () => {
    const f = fixture(makeStore)

    test('counts each once, until it is removed', async () => {
      const id = newKey()
      expect(await f.store.occupy(id, 'i1:run1', MINUTE)).toBe(1)
      expect(await f.store.occupy(id, 'i1:run1', MINUTE)).toBe(1)
      expect(await f.store.occupy(id, 'i2:run1', MINUTE)).toBe(2)
      expect(await f.store.occupy(id, '', 0)).toBe(2)
      expect(await f.store.occupy(id, 'i1:run1', 0)).toBe(1)
      expect(await f.store.occupy(id, 'i1:run1', 0)).toBe(1)
      expect(await f.store.occupy(newKey(), '', 0)).toBe(0)
    })

    test('stops counting a member when its time is over', async () => {
      const id = newKey()
      await f.store.occupy(id, 'dead', 100)
      await f.store.occupy(id, 'alive', MINUTE)
      await until(async () => (await f.store.occupy(id, '', 0)) === 1)
    })
  })

  describe('calls of a session at once', () => {
    const f = fixture(makeStore)
    const nth = (n: number) => ({ id: `n:${n}`, stream: `S${n}`, owner: `i1:run${n}`, holder: `i1:c${n}`, max: 2 })

    const isFull = async () => (await f.store.readSession(f.key, undefined))?.busy === true

    test('mark the session as busy when one registers that reaches the limit, and each is counted', async () => {
      expect((await f.store.register(f.key, nth(1))).status).toBe('ok')
      expect(await isFull()).toBe(false)
      const second = { stream: 'S2', owner: 'i1:run2', register: nth(2) }
      expect((await f.store.append(f.key, append(1, ['a'], second))).status).toBe('ok')
      expect(await isFull()).toBe(true)
      expect((await f.store.register(f.key, { ...nth(3), id: 'n:1' })).status).toBe('ok')
      expect(await f.store.countCalls(f.key, 2)).toBe(3)
      expect(await isFull()).toBe(true)
    })

    test('have room again after one has ended', async () => {
      await f.store.register(f.key, nth(1))
      await f.store.register(f.key, nth(2))
      await f.store.endCall(f.key, { stream: 'S1', owner: 'i1:run1', mark: false })
      expect(await f.store.countCalls(f.key, 2)).toBe(1)
      expect(await isFull()).toBe(false)
      expect(await f.store.countCalls(newKey(), 2)).toBe(0)
    })

    test('have no limit where none is given', async () => {
      for (let n = 1; n <= 5; n++) {
        expect((await f.store.register(f.key, { ...nth(n), max: undefined })).status).toBe('ok')
      }
    })
  })

  describe('a log over its bound of bytes', () => {
    const f = fixture(makeStore, { log: { bytes: 3_000 } })
    const text = (n: number) => `${n}${'x'.repeat(500)}`

    test.each(['S', 'get'])(
      'of %s keeps the newest messages that fit, and reports a position before them as trimmed',
      async (stream) => {
        for (let n = 1; n <= 20; n++) {
          if (stream === 'get') await f.store.post(f.key, 'get', text(n), 't1', `p${n}`)
          else await f.store.append(f.key, append(n, [text(n)], n === 1 ? { register: call } : {}))
        }
        const log = await f.store.readLog(f.key, stream)
        expect(log.length).toBeGreaterThan(2)
        expect(log.length).toBeLessThan(7)
        expect(log.at(-1)).toMatchObject({ n: 20, data: text(20) })
        expect(await f.store.take(f.key, stream, 'i1:c1', { n: 1, tag: 't1' })).toEqual({ status: 'trimmed' })
      },
    )

    test('keeps the newest message of any size', async () => {
      await f.store.append(f.key, append(1, ['a'], { register: call }))
      await f.store.append(f.key, append(2, ['x'.repeat(10_000)]))
      expect((await f.store.readLog(f.key, 'S')).map(({ n }) => n)).toEqual([2])
      await f.store.append(f.key, append(3, ['b']))
      expect((await f.store.readLog(f.key, 'S')).map(({ n }) => n)).toEqual([3])
    })
  })

  describe('a log that expired', () => {
    const f = fixture(makeStore, { log: { bytes: 3_000 }, lifetimes: { open: 300 } })

    test('counts its bytes from the beginning again', async () => {
      await f.store.post(f.key, 'get', 'x'.repeat(2_000), 't1', 'p1')
      await until(async () => (await f.store.readLog(f.key, 'get')).length === 0)
      for (let n = 2; n <= 3; n++) await f.store.post(f.key, 'get', 'y'.repeat(600), 't1', `p${n}`)
      const left = await f.store.readLog(f.key, 'get')
      expect(left.length === 2 || left.length === 0).toBe(true)
    })
  })
}
