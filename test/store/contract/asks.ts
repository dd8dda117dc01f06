import { describe, expect, test } from 'vitest'
import { append, call, fixture, type MakeStore, MINUTE } from './support.ts'

export function askContract(makeStore: MakeStore): void {
  describe('asks', () => {
    const f = fixture(makeStore)
    const ask = () => f.store.append(f.key, append(1, ['question'], { register: call, asks: ['q1', 'q2'] }))

    test('become pending with the message that carries them, and are answered once', async () => {
      await ask()
      expect(await f.store.answer(f.key, 'q1', 'yes')).toEqual({ status: 'ok', owner: 'i1:run1' })
      expect(await f.store.answer(f.key, 'q1', 'no')).toEqual({ status: 'late', owner: 'i1:run1' })
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', ['q1', 'q2'], MINUTE)).toMatchObject({
        status: 'ok',
        answers: new Map([['q1', 'yes']]),
      })
    })

    test('keep their answer when it is read, and when it is sent again', async () => {
      await ask()
      await f.store.answer(f.key, 'q1', 'yes')
      expect(await f.store.answer(f.key, 'q1', 'yes')).toEqual({ status: 'ok', owner: 'i1:run1' })
      await f.store.lookCall(f.key, 'S', 'i1:run1', ['q1'], MINUTE)
      expect(await f.store.lookCall(f.key, 'S', 'i1:run1', ['q1'], MINUTE)).toMatchObject({
        answers: new Map([['q1', 'yes']]),
      })
      expect(await f.store.closeAsk(f.key, 'q1')).toBe('yes')
      expect(await f.store.closeAsk(f.key, 'q1')).toBe('yes')
    })

    test('keep an answer that is empty', async () => {
      await ask()
      expect(await f.store.answer(f.key, 'q1', '')).toEqual({ status: 'ok', owner: 'i1:run1' })
      expect(await f.store.answer(f.key, 'q1', 'late')).toEqual({ status: 'late', owner: 'i1:run1' })
      expect(await f.store.closeAsk(f.key, 'q1')).toBe('')
    })

    test('that were never opened are unknown', async () => {
      await ask()
      expect(await f.store.answer(f.key, 'q9', 'yes')).toEqual({ status: 'unknown' })
      expect(await f.store.closeAsk(f.key, 'q9')).toBeUndefined()
    })

    test('that were closed are unknown', async () => {
      await ask()
      expect(await f.store.closeAsk(f.key, 'q1')).toBeUndefined()
      expect(await f.store.answer(f.key, 'q1', 'late')).toEqual({ status: 'unknown' })
      expect(await f.store.answer(f.key, 'q2', 'yes')).toMatchObject({ status: 'ok' })
    })

    test('of a call that has ended are unknown', async () => {
      await ask()
      await f.store.append(f.key, append(2, ['z'], { final: true, forget: ['q1', 'q2'] }))
      expect(await f.store.answer(f.key, 'q1', 'late')).toEqual({ status: 'unknown' })
      expect(await f.store.deleteSession(f.key)).toEqual({ status: 'ok', holders: [], owners: [] })
    })

    test('of a call that was ended are unknown, also those that `endCall` did not name', async () => {
      await ask()
      await f.store.endCall(f.key, { stream: 'S', owner: 'i1:run1', mark: true, forget: ['q1'] })
      expect(await f.store.answer(f.key, 'q1', 'late')).toEqual({ status: 'unknown' })
      expect(await f.store.answer(f.key, 'q2', 'late')).toEqual({ status: 'unknown' })
    })

    test('follow a call to its new run', async () => {
      await ask()
      await f.store.answer(f.key, 'q1', 'yes')
      await f.store.claim(f.key, 'S', 'i1:run1', 'i2:run2')
      expect(await f.store.answer(f.key, 'q2', 'no')).toEqual({ status: 'ok', owner: 'i2:run2' })
      expect(await f.store.lookCall(f.key, 'S', 'i2:run2', ['q1', 'q2'], MINUTE)).toMatchObject({
        answers: new Map([
          ['q1', 'yes'],
          ['q2', 'no'],
        ]),
      })
    })

    test('do not become pending where their message was not added', async () => {
      await ask()
      await f.store.cancel(f.key, 'n:1')
      expect(await f.store.append(f.key, append(2, ['x'], { asks: ['q3'] }))).toMatchObject({ status: 'cancelled' })
      expect(await f.store.answer(f.key, 'q3', 'yes')).toEqual({ status: 'unknown' })
    })

    test('that were answered do not become pending again by a repeated append', async () => {
      await ask()
      await f.store.answer(f.key, 'q1', 'yes')
      await ask()
      expect(await f.store.answer(f.key, 'q1', 'no')).toMatchObject({ status: 'late' })
    })
  })
}
