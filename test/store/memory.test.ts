import { describe, expect, test } from 'vitest'
import type { Clock } from '../../lib/base/clock.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { storeContract } from './contract/index.ts'

storeContract(memoryStore, { name: 'the store in memory' })

/** A clock that stands still until a test moves it, and lists its timers. */
class StillClock implements Clock {
  time = 1_000_000
  readonly repeating = new Set<() => void>()

  now(): number {
    return this.time
  }

  wall(): number {
    return this.time
  }

  after(): never {
    throw new Error('The memory store has no timer of its own for an entry.')
  }

  every(_ms: number, fn: () => void) {
    this.repeating.add(fn)
    return { cancel: () => void this.repeating.delete(fn) }
  }
}

describe('the memory store', () => {
  test('has one timer while it has entries, and none otherwise', async () => {
    const clock = new StillClock()
    const store = memoryStore({ clock })
    expect(clock.repeating.size).toBe(0)
    await store.createSession('a', 'r', 1_000)
    await store.setValue('user', 'b', 'v', 2_000)
    expect(clock.repeating.size).toBe(1)
    clock.time += 1_500
    for (const sweep of clock.repeating) sweep()
    expect(clock.repeating.size).toBe(1)
    clock.time += 1_500
    for (const sweep of clock.repeating) sweep()
    expect(clock.repeating.size).toBe(0)
    await store.setValue('user', 'b', 'v', 2_000)
    expect(clock.repeating.size).toBe(1)
    await store.close()
    expect(clock.repeating.size).toBe(0)
  })

  test('never returns an expired entry', async () => {
    const clock = new StillClock()
    const store = memoryStore({ clock })
    await store.createSession('a', 'r', 1_000)
    clock.time += 999
    expect(await store.readSession('a', undefined)).toBeDefined()
    clock.time += 1
    expect(await store.readSession('a', undefined)).toBeUndefined()
  })

  test('orders changes of one millisecond', async () => {
    const store = memoryStore({ clock: new StillClock() })
    await store.createSession('a', 'r', 1_000)
    await store.publish({ kind: 'tools' })
    await store.publish({ kind: 'prompts' })
    const position = (await store.changePosition('a')) ?? ''
    const { entries } = await store.changesAfter(position)
    expect(entries.map(({ change }) => change.kind)).toEqual(['tools', 'prompts'])
  })
})
