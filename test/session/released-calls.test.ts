/** Calls that an instance released in its shutdown, in a session that has as many calls as it may. */
import { expect, test } from 'vitest'
import { Instance } from '../../lib/runtime/instance.ts'
import { endOrphans } from '../../lib/session/call/orphans.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DAY = 24 * 60 * 60_000
const LEASE = 10_000

/** Two calls of a session, which their instance has released. */
async function released(steps: Partial<Record<keyof Store, Step>> = {}) {
  const clock = new ManualClock()
  const store = interceptedStore(steps, memoryStore({ clock }))
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

test('can be taken by others where the reply to the claim that was to end them is lost', async () => {
  const claim: Step = async (proceed) => {
    await proceed()
    throw new StoreUnavailable('The reply is lost.')
  }
  const { clock, store, instance } = await released({ claim })
  const ending = endOrphans(instance, 'k')
  ending.catch(() => {})
  await new Promise(setImmediate)
  await clock.advance(2 * LEASE)
  await expect(ending).rejects.toThrow('The reply is lost.')
  await clock.advance(LEASE)
  expect((await store.calls('k')).map(({ owner }) => owner)).toEqual(['', ''])
})
