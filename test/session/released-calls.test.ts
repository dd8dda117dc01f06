/** Calls that an instance released in its shutdown, in a session that has as many calls as it may. */
import { expect, test } from 'vitest'
import { Instance } from '../../lib/runtime/instance.ts'
import { endOrphans } from '../../lib/session/call/orphans.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DAY = 24 * 60 * 60_000
const LEASE = 10_000

/** Two calls of a session, which their instance has released. */
async function released() {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const options = { ...defaultsOf(SETTINGS.session), lease: LEASE }
  const instance = new Instance(store, options, clock, (error) => {
    throw error
  })
  await store.createSession('k', 'record', DAY)
  for (const stream of ['S', 'T']) {
    await store.register('k', { id: `n:${stream}`, stream, owner: `gone~:${stream}` })
    await store.releaseCall('k', stream, `gone~:${stream}`)
  }
  const streams = async () => (await store.calls('k')).map(({ stream }) => stream).sort()
  return { clock, store, instance, streams }
}

test('are not ended within a lease, and afterwards only where nobody goes on with them', async () => {
  const { clock, store, instance, streams } = await released()
  const ending = endOrphans(instance, 'k')
  await new Promise(setImmediate)
  await clock.advance(LEASE / 2)
  expect(await streams()).toEqual(['S', 'T'])
  // The client of one of them has come back, to another instance.
  await store.up('other~', DAY, '1')
  await store.claim('k', 'S', '', 'other~:run')
  await clock.advance(2 * LEASE)
  expect(await ending).toBe(true)
  expect(await streams()).toEqual(['S'])
})

test('are left alone by an instance that shuts down itself', async () => {
  const { clock, instance, streams } = await released()
  const ending = endOrphans(instance, 'k')
  await new Promise(setImmediate)
  await clock.advance(LEASE / 2)
  instance.beginDrain()
  await clock.advance(2 * LEASE)
  expect(await ending).toBe(false)
  expect(await streams()).toEqual(['S', 'T'])
})

test('are left alone where a takeover of this instance is under way', async () => {
  const { clock, instance, streams } = await released()
  instance.takingOver.add('S')
  const ending = endOrphans(instance, 'k')
  await new Promise(setImmediate)
  await clock.advance(2 * LEASE)
  expect(await ending).toBe(true)
  expect(await streams()).toEqual(['S'])
})
