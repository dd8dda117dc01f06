/** What the contract tests share: a store with a session in it, and ways to wait for what has no event. */
import { afterEach, beforeEach, expect } from 'vitest'
import { randomId } from '../../../lib/base/ids.ts'
import type { Append, LogEntry, Registration, Store, StoreOptions } from '../../../lib/store/store.ts'

/** Opens a store over an empty place. */
export type OpenStore = (options?: StoreOptions) => Promise<Store>

export const MINUTE = 60_000

export interface Fixture {
  store: Store
  /** The key of a session that exists. */
  key: string
}

/** Opens a store and a session before each test, and closes it afterwards. */
export function fixture(open: OpenStore, options?: StoreOptions): Fixture {
  const fixture = {} as Fixture
  beforeEach(async () => {
    fixture.store = await open(options)
    fixture.key = newKey()
    expect(await fixture.store.createSession(fixture.key, 'record', MINUTE)).toBe(true)
  })
  afterEach(() => fixture.store.close())
  return fixture
}

export function newKey(): string {
  return randomId(16)
}

/** Looks again until it is so. For what the store does by time alone. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  await expect.poll(holds, { interval: 20, timeout: 10_000 }).toBe(true)
}

export const call: Registration = { id: 'n:1', stream: 'S', owner: 'i1:run1' }

/** An append of the run of {@link call}. */
export function append(from: number, messages: string[], more: Partial<Append> = {}): Append {
  return { stream: 'S', owner: 'i1:run1', from, messages, tag: 't1', final: false, ...more }
}

export function entry(n: number, data: string, more: Partial<LogEntry> = {}): LogEntry {
  return { n, tag: 't1', data, final: false, ...more }
}

/** An inbox that can be waited for. */
export class Inbox<T> {
  readonly all: T[] = []
  #waiters: (() => void)[] = []

  readonly add = (item: T): void => {
    this.all.push(item)
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Resolves when `count` items have come. */
  async have(count: number): Promise<T[]> {
    while (this.all.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.all
  }
}
