/** Durable calls whose user thinks for minutes: no function runs meanwhile. `test/more/durable` has many of them, and the clients. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { EventReader, getStream, initialize, post, toolCall } from '../support/raw.ts'
import { answer, ask, billed, Suspending } from './suspended.ts'

vi.setConfig({ testTimeout: 90_000 })

let durable: Suspending
beforeAll(async () => {
  durable = await Suspending.start()
})
afterAll(() => durable.stop())

test('a call waits ten minutes for its user without a function, and another one completes it', async () => {
  const lambda = await durable.lambda({ size: 1, limit: 2 })
  const session = await initialize(lambda.url)
  const asked = await ask(lambda, session, 'waits')
  await lambda.quiet()
  const [before, count] = [billed(lambda.requests), lambda.requests.length]
  // Lambda ends environments that are idle for long.
  await Promise.all(lambda.environments.map((environment) => environment.stop()))
  await durable.pass(lambda, 10 * 60_000)
  expect(lambda.requests.length).toBe(count)
  expect(billed(lambda.requests)).toBe(before)
  const { runs } = durable.did('waits')
  expect(runs).toHaveLength(1)
  expect(await answer(lambda, asked)).toMatch(/^waits paid in /)
  const done = durable.did('waits')
  expect(done.runs).toHaveLength(2)
  expect(done.runs[1]).not.toBe(done.runs[0])
  expect(done.reserve).toEqual([done.runs[0]])
  expect(done.pay).toEqual([done.runs[1]])
})

test('the same call without `durable` occupies its function to the limit, and fails', async () => {
  const timeout = 4_000
  const lambda = await durable.lambda({ size: 1, limit: 3, timeout })
  const session = await initialize(lambda.url)
  const message = toolCall('plain', 'transfer_plain', { call: 'plain' }, { progressToken: 1 })
  const first = new EventReader(await post(lambda.url, message, { session }))
  const messages = await first.rest()
  const asked = messages.find(({ method }) => method === 'elicitation/create')
  expect(asked).toBeDefined()
  await lambda.quiet()
  const served = lambda.requests.find(({ body }) => body.includes('transfer_plain'))
  expect(served?.billed?.ms).toBeGreaterThan(timeout / 2)
  const [last] = (await (await getStream(lambda.url, session, first.lastId)).rest()).slice(-1)
  expect(last).toMatchObject({
    id: 'plain',
    error: { message: expect.stringMatching(/not done when the time was over/) },
  })
  await post(
    lambda.url,
    { jsonrpc: '2.0', id: asked?.id, result: { action: 'accept', content: { ok: true } } },
    { session },
  )
  const { runs, reserve, pay } = durable.did('plain')
  expect([runs.length, reserve.length, pay.length]).toEqual([1, 1, 0])
})
