/** What `/readyz` says of the store and of this instance. */
import { expect, test } from 'vitest'
import { ReadinessCheck } from '../../lib/platform/node/readiness.ts'
import { type StoreTrouble, StoreUnavailable } from '../../lib/store/unavailable.ts'
import { ManualClock } from '../support/manual-clock.ts'

const LEASE = 10_000

function check() {
  const clock = new ManualClock()
  const leaving = { begun: false }
  const seen = { pings: 0, trouble: undefined as StoreTrouble | undefined, answersAnew: false, hangs: false }
  const store = {
    async ping() {
      seen.pings++
      if (seen.hangs) await new Promise(() => {})
      if (seen.trouble !== undefined) throw new StoreUnavailable('trouble', { trouble: seen.trouble })
    },
    answersAnew: async () => seen.answersAnew,
  }
  const readiness = new ReadinessCheck({ store, clock, lease: LEASE, leaving })
  /** The state some ms later, in steps in which a probe asks. */
  const after = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      await clock.advance(1_000)
      await readiness.state()
    }
    return readiness.state()
  }
  return { clock, leaving, seen, readiness, after }
}

test('starting until the store was reached once, ok while it answers, leaving at the end', async () => {
  const { seen, leaving, readiness, after } = check()
  seen.trouble = 'away'
  expect(await readiness.state()).toBe('starting')
  expect(await after(60_000)).toBe('starting')
  seen.trouble = undefined
  expect(await after(1_000)).toBe('ok')
  leaving.begun = true
  expect(await readiness.state()).toBe('leaving')
})

test.each(['away', 'full', 'loading', 'readonly', 'moved'] as const)(
  'degraded, for as long as it lasts, where the store has this trouble for everybody: %s',
  async (trouble) => {
    const { seen, after } = check()
    expect(await after(1_000)).toBe('ok')
    seen.trouble = trouble
    expect(await after(1_000)).toBe('degraded')
    expect(await after(10 * LEASE)).toBe('degraded')
    seen.trouble = undefined
    expect(await after(1_000)).toBe('ok')
  },
)

test('a store that is full or takes no writes is reached: an instance that starts meanwhile is degraded', async () => {
  for (const trouble of ['full', 'readonly'] as const) {
    const { seen, after } = check()
    seen.trouble = trouble
    expect(await after(1_000)).toBe('degraded')
  }
})

test('alone, after a lease, where the store refuses this instance or answers on a new connection only', async () => {
  for (const trouble of ['denied', 'away'] as const) {
    const { seen, after } = check()
    await after(1_000)
    Object.assign(seen, { trouble, answersAnew: trouble === 'away' })
    expect(await after(LEASE - 1_000)).toBe('degraded')
    expect(await after(2_000)).toBe('alone')
    seen.trouble = undefined
    expect(await after(1_000)).toBe('ok')
    // A break ends the lease.
    seen.trouble = trouble
    expect(await after(LEASE - 1_000)).toBe('degraded')
  }
})

test('a store that does not answer at all delays an answer by half a second, and is degraded', async () => {
  const { clock, seen, readiness, after } = check()
  await after(1_000)
  seen.hangs = true
  await clock.advance(1_000)
  const states = [readiness.state(), readiness.state()]
  await clock.advance(500)
  expect(await Promise.all(states)).toEqual(['degraded', 'degraded'])
})

test('a flood of requests does not have the store asked more often', async () => {
  const { clock, seen, readiness } = check()
  await Promise.all(Array.from({ length: 1_000 }, () => readiness.state()))
  for (let n = 0; n < 1_000; n++) await readiness.state()
  expect(seen.pings).toBe(1)
  await clock.advance(1_000)
  await Promise.all(Array.from({ length: 1_000 }, () => readiness.state()))
  expect(seen.pings).toBe(2)
})
