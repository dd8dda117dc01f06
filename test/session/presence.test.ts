/** Signs of life: when an instance may conclude from one that is missing that another instance is dead. */
import { expect, test } from 'vitest'
import { Presence } from '../../lib/runtime/presence.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

const LEASE = 6_000
const STEP = LEASE / 6

function place() {
  const clock = new ManualClock()
  let store = memoryStore({ clock })
  const away = { store: false }
  const reached = {
    up: (...args: Parameters<typeof store.up>) => (away.store ? Promise.reject(new Error('away')) : store.up(...args)),
    alive: (ids: string[]) => (away.store ? Promise.reject(new Error('away')) : store.alive(ids)),
  }
  const watcher = new Presence('watcher', reached, clock, LEASE)
  const other = new Presence('other', reached, clock, LEASE)
  /** Both instances renew their signs as they do, for so many ms; the other half a step later. */
  async function pass(ms: number, { otherLives = true } = {}) {
    for (let left = ms; left > 0; left -= STEP) {
      await clock.advance(STEP / 2)
      if (otherLives) await other.renew().catch(() => {})
      await clock.advance(STEP / 2)
      await watcher.renew().catch(() => {})
    }
  }
  const dead = async () => [...(await watcher.dead(['other']))]
  const lose = () => {
    store = memoryStore({ clock })
  }
  return { clock, watcher, other, away, pass, dead, lose, store: () => store }
}

test('an instance whose sign is missing is dead for one that has reached the store for a lease', async () => {
  const { pass, dead } = place()
  await pass(2 * LEASE)
  expect(await dead()).toEqual([])
  // A sign lasts for two thirds of a lease.
  await pass(LEASE / 2, { otherLives: false })
  expect(await dead()).toEqual([])
  await pass(LEASE / 3, { otherLives: false })
  expect(await dead()).toEqual(['other'])
})

test('an instance that has just started declares no other one dead for a lease', async () => {
  const { watcher, pass, dead } = place()
  await watcher.renew()
  expect(await dead()).toEqual([])
  await pass(LEASE - STEP, { otherLives: false })
  expect(await dead()).toEqual([])
  await pass(STEP, { otherLives: false })
  expect(await dead()).toEqual(['other'])
})

test.each([LEASE / 2, LEASE, 10 * LEASE])(
  'after the store was away for %i ms no living instance is declared dead, whichever renews first',
  async (ms) => {
    const { away, watcher, other, pass, dead } = place()
    await pass(2 * LEASE)
    away.store = true
    await pass(ms)
    away.store = false
    await watcher.renew()
    expect(await dead()).toEqual([])
    await pass(LEASE / 2, { otherLives: false })
    expect(await dead()).toEqual([])
    await other.renew()
    await pass(2 * LEASE)
    expect(await dead()).toEqual([])
    await pass(LEASE, { otherLives: false })
    expect(await dead()).toEqual(['other'])
  },
)

test('a process that stood still for long declares no other one dead for a lease', async () => {
  const { clock, watcher, pass, dead } = place()
  await pass(2 * LEASE)
  await clock.advance(LEASE)
  await watcher.renew()
  expect(await dead()).toEqual([])
})

test('a process that stands still after it asked does not trust the reply', async () => {
  const { clock, watcher, pass, store } = place()
  await pass(2 * LEASE)
  const slow = new Presence(
    'watcher',
    { up: store().up, alive: async (ids) => [true, ...ids.slice(1).map(() => false)] },
    clock,
    LEASE,
  )
  for (let i = 0; i < 12; i++) {
    await slow.renew()
    await clock.advance(STEP)
  }
  expect([...(await slow.dead(['other']))]).toEqual(['other'])
  await clock.advance(LEASE / 2)
  expect([...(await slow.dead(['other']))]).toEqual([])
  expect(watcher.isStale).toBe(true)
})

test('after the store has lost what it had, at once or as an older copy, no living instance is declared dead', async () => {
  for (const restore of [false, true]) {
    const { watcher, pass, dead, lose, store } = place()
    await pass(2 * LEASE)
    const before = store()
    const copied = (await before.up('watcher', LEASE, '12')) ?? ''
    await before.up('watcher', LEASE, copied)
    await pass(LEASE / 6)
    lose()
    // The copy has an older sign of the watcher, and none of the other, which was not that fresh.
    if (restore) await store().up('watcher', LEASE, String(Number(copied) - 3))
    const { lapses } = watcher
    await watcher.renew()
    // Claims of the watcher may be lost, too.
    expect(watcher.lapses).toBe(lapses + 1)
    expect(await dead()).toEqual([])
    await pass(LEASE / 2, { otherLives: false })
    expect(await dead()).toEqual([])
  }
})

test('a renewal that is sent again since its reply was lost is a lapse where the sign may have been missing before', async () => {
  const { clock, store } = place()
  let sends = 1
  const up = async (...args: Parameters<ReturnType<typeof memoryStore>['up']>) => {
    let reply: Awaited<ReturnType<ReturnType<typeof store>['up']>>
    for (let i = 0; i < sends; i++) reply = await store().up(...args)
    return reply
  }
  const presence = new Presence('watcher', { up, alive: store().alive }, clock, LEASE)
  await presence.renew()
  sends = 2
  await clock.advance(STEP)
  await presence.renew()
  expect(presence.lapses).toBe(0)
  await clock.advance(LEASE)
  await presence.renew()
  expect(presence.lapses).toBe(1)
  // As often as the sign was away, not as often as it was sent.
  await clock.advance(STEP)
  await presence.renew()
  expect(presence.lapses).toBe(1)
})

test('an instance that is not sure waits until it is, and then knows', async () => {
  const { clock, watcher } = place()
  const waited = watcher.deadAfterWait(['other'])
  let known: string[] | undefined
  void waited.then((dead) => (known = [...dead]))
  await clock.advance(0)
  await clock.advance(LEASE - STEP)
  expect(known).toBeUndefined()
  await clock.advance(2 * STEP)
  expect(known).toEqual(['other'])
})

test('an instance that is not sure need not wait where every sign is there, or where it shuts down', async () => {
  const { clock, watcher, other } = place()
  await other.renew()
  expect([...(await watcher.deadAfterWait(['other']))]).toEqual([])
  const waiting = watcher.deadAfterWait(['third'])
  await clock.advance(0)
  watcher.leave()
  await clock.advance(STEP)
  expect([...(await waiting)]).toEqual([])
})
