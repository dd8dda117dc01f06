/** The polls of a suspended call: each reads once, and says when to come back. */
import { afterEach, expect, test } from 'vitest'
import type { Step } from '../../support/intercepted-store.ts'
import { ANSWER, FORM, serving, suspended, type TestFleet, text, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

const SECOND = 1_000

function asks(): TestFleet {
  fleet = serving(async (ctx) => {
    await ctx.progress(1, 2)
    const { action } = await ctx.elicit('?', FORM, { timeout: 3_600 * SECOND })
    await ctx.progress(2, 2)
    return text(action)
  })
  return fleet
}

test.each([
  ['at once', 0, 1],
  ['after 20 s', 20, 5],
  ['after an hour at most', 600, 15],
])(
  'a poll %s is told to come back after a quarter of the time that the call has waited, 1 to 15 s',
  async (_name, waited, expected) => {
    const at = asks().start()
    const client = await suspended(fleet, at)
    await fleet.pass(waited * SECOND)
    await client.poll(at)
    await until(() => !client.isConnected)
    // Clients come back spread out.
    expect(client.retries.at(-1)).toBeGreaterThanOrEqual(0.75 * expected * SECOND)
    expect(client.retries.at(-1)).toBeLessThanOrEqual(1.25 * expected * SECOND + SECOND)
  },
)

test('a poll that finds nothing due makes nobody holder, and leaves the instance without a mailbox', async () => {
  const used: string[] = []
  const noted = (name: string): Step => {
    return (proceed) => {
      used.push(name)
      return proceed()
    }
  }
  const names = ['poll', 'take', 'look', 'receive', 'up', 'claim', 'readLog', 'calls', 'release'] as const
  const steps = Object.fromEntries(names.map((name) => [name, noted(name)]))
  const [first, second] = [asks().start(), fleet.start({}, steps)]
  const client = await suspended(fleet, first)
  await client.poll(second)
  await until(() => !client.isConnected)
  await second.settled()
  expect(used).toEqual(['poll'])
  expect(second.stats()).toMatchObject({ connections: 0, calls: 0 })
})

test('each poll has a little more progress, without an event id, and the next run goes on above it', async () => {
  const at = asks().start()
  const client = await suspended(fleet, at)
  for (let i = 0; i < 3; i++) {
    await fleet.pass(5 * SECOND)
    await client.poll(at)
    await until(() => !client.isConnected)
  }
  const polled = client.asides.map(({ method, params }) => [method, params.progressToken, params.total])
  expect(polled).toEqual(Array.from({ length: 3 }, () => ['notifications/progress', 'p', 2]))
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'accept')
  const figures = client.messages.flatMap(({ method, params }) =>
    method === 'notifications/progress' ? [params.progress as number] : [],
  )
  expect(figures).toEqual([...new Set(figures)].toSorted((a, b) => a - b))
  expect(figures).toHaveLength(5)
})

test('a client that wants no progress is sent none by polls', async () => {
  const at = asks().start()
  const client = await suspended(fleet, at, {})
  await client.poll(at)
  await until(() => !client.isConnected)
  expect(client.asides).toEqual([])
})
