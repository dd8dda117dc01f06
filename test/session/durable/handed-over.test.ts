/** The shutdown of an instance in the middle of a durable call. */
// Modules that are loaded when they are used are there at once: no time passes on the clock of the test while a file is read.
import '../../../lib/session/call/abandon.ts'
import '../../../lib/session/call/heartbeat.ts'
import { afterEach, expect, test } from 'vitest'
import type { Step } from '../../support/intercepted-store.ts'
import { LEASE, serving, TestClient, type TestFleet, text, turns, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

const DRAIN = 8_000

/** A call in the middle of its `ctx.once`, whose instance begins to shut down. */
async function leaving() {
  const paying = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const steps: string[] = []
  let effects = 0
  fleet = serving(async (ctx) => {
    await ctx.log('info', 'begin')
    await ctx.once('pay', async () => {
      effects++
      await paying.promise
    })
    await ended.promise
    return text('done')
  })
  const noted = (name: string): Step => {
    return async (proceed) => {
      const reply = await proceed()
      steps.push(name)
      return reply
    }
  }
  const first = fleet.start({ drainTimeout: DRAIN }, { keep: noted('keep'), releaseCall: noted('release') })
  const second = fleet.start()
  const client = await TestClient.open(first)
  await client.call(first, 'act')
  await until(() => effects === 1)
  const closing = first.close()
  await turns()
  return { client, second, closing, paying, ended, steps, effects: () => effects }
}

test('a once that is under way ends before its call is handed over, and does not happen again', async () => {
  const { client, second, closing, paying, ended, steps, effects } = await leaving()
  await fleet.pass(0.75 * DRAIN)
  expect(steps).toEqual([])
  paying.resolve()
  await fleet.pass(DRAIN)
  await closing
  expect(steps).toEqual(['keep', 'release'])
  ended.resolve()
  client.drop()
  await client.poll(second)
  await until(() => client.text === 'done')
  expect(effects()).toBe(1)
})

test('the shutdown waits for a once for so long as it may, and the later run begins it again', async () => {
  const { client, second, closing, steps, effects } = await leaving()
  await fleet.pass(3 * DRAIN)
  await closing
  expect(steps).toEqual(['release'])
  client.drop()
  await client.poll(second)
  await fleet.pass(LEASE)
  await until(() => effects() === 2)
})
