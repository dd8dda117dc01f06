/** An instance between two invocations of a function: `rest` closes its mailbox connection, `attend` opens it again. */
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { defaultsOf, SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { Store } from '../../lib/store/store.ts'

/**
 * A store that records the operations of the instance, and whose mailbox connection stops only when the test allows it.
 */
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
  new Instance(store, defaultsOf(SETTINGS.session), systemClock, (error) => {
    throw error
  })

test('a request that begins during rest waits, and reopens the mailbox', async () => {
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

test('an instance that never opened its mailbox has nothing to close', async () => {
  const { store, done } = slowStore()
  await newInstance(store).rest()
  expect(done).toEqual([])
})

test('rest waits for pending operations on the store', async () => {
  const { store, done, stop } = slowStore()
  const instance = newInstance(store)
  await instance.attend()
  let finish: () => void = () => {}
  instance.track(new Promise<void>((resolve) => (finish = resolve)))
  const resting = instance.rest()
  await new Promise(setImmediate)
  expect(done).not.toContain('stopping')
  finish()
  await expect.poll(() => done).toContain('stopping')
  stop()
  await resting
})
