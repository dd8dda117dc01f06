/** Going to rest and waking up: an instance between two invocations of a function. */
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { DEFAULT_SESSION_OPTIONS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'

/** A store that writes down what the instance does, and whose waiting connection takes its time to stop. */
function slowStore() {
  const done: string[] = []
  let stop: () => void = () => {}
  const store: Store = {
    ...memoryStore(),
    async receive() {
      done.push('receive')
      return {
        async stop() {
          done.push('stopping')
          await new Promise<void>((resolve) => {
            stop = resolve
          })
          done.push('stopped')
        },
      }
    },
    async up() {
      done.push('up')
    },
    async down() {
      done.push('down')
    },
  }
  return { store, done, stop: () => stop() }
}

const newInstance = (store: Store) =>
  new Instance(store, DEFAULT_SESSION_OPTIONS, systemClock, (error) => {
    throw error
  })

test('what begins while the instance goes to rest waits, and is reachable afterwards', async () => {
  const { store, done, stop } = slowStore()
  const instance = newInstance(store)
  await instance.attend()
  const resting = instance.rest()
  await expect.poll(() => done).toContain('stopping')
  const attending = instance.attend()
  await new Promise(setImmediate)
  expect(done).toEqual(['receive', 'up', 'stopping'])
  stop()
  await Promise.all([resting, attending])
  expect(done).toEqual(['receive', 'up', 'stopping', 'stopped', 'down', 'receive', 'up'])
})

test('an instance that was never reached has nothing to give up', async () => {
  const { store, done } = slowStore()
  await newInstance(store).rest()
  expect(done).toEqual([])
})

test('going to rest waits for what is owed to the store', async () => {
  const { store, done, stop } = slowStore()
  const instance = newInstance(store)
  await instance.attend()
  let owed: () => void = () => {}
  instance.track(new Promise<void>((resolve) => (owed = resolve)))
  const resting = instance.rest()
  await new Promise(setImmediate)
  expect(done).not.toContain('stopping')
  owed()
  await expect.poll(() => done).toContain('stopping')
  stop()
  await resting
})
