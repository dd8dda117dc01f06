/** Steps of durable calls that several tests begin with. */
import { expect } from 'vitest'
import type { DurableAsk } from '../../../lib/store/calls.ts'
import type { Keep, Taken } from '../../../lib/store/journal.ts'
import type { Append, Store, StoreOptions } from '../../../lib/store/store.ts'
import { append, call, type Fixture, MINUTE } from './support.ts'

/** What a store must do, as a function: the suite runs it, and a test of a guard runs it without the guard. */
export interface Scenario {
  options?: StoreOptions
  run: (f: Fixture) => Promise<void>
}

export const RUN1 = 'i1:run1'
export const RUN2 = 'i2:run2'
export const RUN3 = 'i3:run3'
export const durable = { ...call, request: '{"method":"tools/call"}', durable: true }

export const ask = (id: string, timeout = MINUTE): DurableAsk => ({
  id,
  key: `key ${id}`.replace(' ', '-'),
  digest: `digest-${id}`,
  timeout,
})

export const once = (name: string, value: string, more: Partial<Keep> = {}): Keep => ({
  stream: 'S',
  owner: RUN1,
  name,
  step: 'end',
  value,
  ...more,
})

export const logged = (from: number, messages: string[], more: Partial<Append> = {}): Append =>
  append(from, messages, { durable: true, ...more })

/** A durable call asks these. */
export async function asking({ store, key }: Fixture, ...asks: DurableAsk[]): Promise<void> {
  const register = { ...durable, holder: 'i1:c1' }
  const appended = logged(
    1,
    asks.map(({ id }) => `ask ${id}`),
    { register, durableAsks: asks, said: 0 },
  )
  expect(await store.append(key, appended)).toMatchObject({ status: 'ok' })
}

/** A durable call asks these, and is suspended. */
export async function suspended(f: Fixture, ...asks: DurableAsk[]): Promise<void> {
  await asking(f, ...asks)
  expect(await f.store.suspend(f.key, { stream: 'S', owner: RUN1, asks: asks.map(({ id }) => id) })).toEqual({
    status: 'ok',
    holder: 'i1:c1',
  })
}

export const pollOf = ({ store, key }: Fixture) => store.poll(key, 'S', { n: 0, tag: '' })

/** A claim that the call's run has to win. */
export async function claimed(store: Store, key: string, expected: string, owner: string) {
  const claim = await store.claim(key, 'S', expected, owner)
  if (claim.status !== 'ok') throw new Error(`The claim replied ${claim.status}.`)
  return { ...claim, journal: journalOf(claim) }
}

export function journalOf({ journal }: Pick<Taken, 'journal'>) {
  if (journal === undefined) throw new Error('The claim has no journal.')
  return journal
}
