/** The common part of the contract tests: a store with a session in it, and ways to wait for expiry, which has no event. */
import { afterEach, beforeEach, expect } from 'vitest'
import type { Append, LogEntry, Registration, Store, StoreOptions } from '../../../lib/store/store.ts'

/** Makes a store over an empty place. */
export type MakeStore = (options?: StoreOptions) => Store | Promise<Store>

export const MINUTE = 60_000

export interface Fixture {
  store: Store
  /** The key of a session that exists. */
  key: string
}

/** Makes a store and a session before each test, and closes the store afterwards. */
export function fixture(makeStore: MakeStore, options?: StoreOptions): Fixture {
  const fixture = {} as Fixture
  beforeEach(async () => {
    fixture.store = await makeStore(options)
    fixture.key = newKey()
    expect(await fixture.store.createSession(fixture.key, 'record', MINUTE)).toEqual({ status: 'ok' })
  })
  afterEach(() => fixture.store.close())
  return fixture
}

export function newKey(): string {
  return crypto.randomUUID()
}

/** Polls until `holds` returns true: for what the store does by time alone. */
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

  /** Resolves when `count` items have arrived. */
  async have(count: number): Promise<T[]> {
    while (this.all.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.all
  }
}
