/** Code that is loaded when it is first needed. */
import { describe, expect, test } from 'vitest'
import { OnDemand, operationsOf } from '../../lib/base/on-demand.ts'

describe('code on demand', () => {
  test('is loaded once, and used without waiting from then on', async () => {
    let loads = 0
    const code = new OnDemand(async () => ++loads)
    expect(code.now).toBeUndefined()
    expect(await Promise.all([code.load(), code.load()])).toEqual([1, 1])
    expect(code.now).toBe(1)
    expect(await code.load()).toBe(1)
  })

  test('is loaded again by the next caller where that failed', async () => {
    let loads = 0
    const code = new OnDemand(async () => {
      if (++loads === 1) throw new Error('no file')
      return loads
    })
    await expect(code.load()).rejects.toThrow('no file')
    expect(await code.load()).toBe(2)
  })

  test('operations run in the order of their calls, whether they waited for the code or not', async () => {
    const order: number[] = []
    const loading = Promise.withResolvers<void>()
    const code = new OnDemand(async () => {
      await loading.promise
      return { note: async (n: number) => void order.push(n) }
    })
    const { note } = operationsOf(code, { note: true })
    const first = note(1)
    const second = note(2)
    loading.resolve()
    while (code.now === undefined) await undefined
    await Promise.all([first, second, note(3)])
    expect(order).toEqual([1, 2, 3])
  })
})
