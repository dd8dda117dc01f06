/** A budget of bytes, and what one request takes from it. */
import { describe, expect, test } from 'vitest'
import { ByteBudget, HeldBytes } from '../../lib/base/byte-budget.ts'

describe('a budget', () => {
  test('has a bound for all, and a share for each client', () => {
    const budget = new ByteBudget(100)
    expect(budget.take('a', 20)).toBe(true)
    expect(budget.take('a', 6)).toBe(false)
    expect(budget.take('b', 25)).toBe(true)
    expect(budget.take(undefined, 55)).toBe(true)
    expect(budget.take('c', 1)).toBe(false)
    budget.give('a', 20)
    expect(budget.take('c', 20)).toBe(true)
    budget.give('b', 25)
    budget.give('c', 20)
    budget.give(undefined, 55)
    expect([budget.used, budget.clients]).toEqual([0, 0])
  })

  test('admits one request that is larger than the share, and the only one of any size', () => {
    const budget = new ByteBudget(100)
    const [large, other, third] = [new HeldBytes(budget, 'a'), new HeldBytes(budget, 'b'), new HeldBytes(budget, 'a')]
    expect(large.grow(90)).toBe(true)
    expect(large.grow(60)).toBe(true)
    expect(other.grow(1)).toBe(false)
    expect(third.grow(1)).toBe(false)
    large.release()
    expect(third.grow(50)).toBe(true)
    third.release()
    expect([budget.used, budget.clients]).toEqual([0, 0])
  })

  test('gets back what a request took when its last user is done, and once', () => {
    const budget = new ByteBudget(100)
    const held = new HeldBytes(budget, 'a')
    held.grow(10)
    held.retain()
    held.release()
    expect(budget.used).toBe(10)
    held.release()
    held.grow(5)
    held.change(5)
    held.retain()
    held.release()
    expect([budget.used, budget.clients]).toEqual([0, 0])
  })
})
