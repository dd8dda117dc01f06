/** Functions that are killed or cut off, and HTTP+SSE streams, which end before their function. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { sessionClients } from '../deploy/clients.ts'
import { eventually } from '../support/eventually.ts'
import { call, EventReader, initialize, post, request, toolCall } from '../support/raw.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda } from './emulator.ts'

vi.setConfig({ testTimeout: 90_000 })

let tests: LambdaTests
beforeAll(async () => {
  tests = await lambdaTests()
})
afterAll(() => tests.stop())

async function killEnvironmentOf(lambda: Lambda, gate: string): Promise<void> {
  const served = await eventually(async () =>
    lambda.requests.find(({ body, environment }) => environment && body.includes(`"gate":"${gate}"`)),
  )
  lambda.environments.find(({ name }) => name === served.environment)?.kill()
  await served.finished
}

describe.each(Object.entries(sessionClients))(
  'client %s, whose function is killed in the middle of a call,',
  (version, connect) => {
    // All tests of this file share one Redis, and an opened gate stays open.
    const killed = `killed ${version}`
    const start = () => tests.start({ limit: 6, env: { LEASE_SECONDS: '2' } })

    test('gets the result of a second run where the tool may run twice', async () => {
      const lambda = await start()
      const client = await connect(lambda.url)
      const progressed: number[] = []
      const result = client.call('gated_rerunnable', { gate: killed }, ({ progress }) => void progressed.push(progress))
      await eventually(async () => (progressed.length > 0 ? true : undefined))
      await killEnvironmentOf(lambda, killed)
      const other = await initialize(lambda.url)
      await call(lambda.url, other, toolCall(1, 'user_set', { name: `gate:${killed}`, value: 'open' }))
      expect(await result).toMatch(`through ${killed}`)
      expect(progressed).toEqual([1, 2])
      await client.close()
      await lambda.stop()
    })

    test('gets an error where the tool must not run twice', async () => {
      const lambda = await start()
      const client = await connect(lambda.url)
      const progressed: number[] = []
      const result = client.call('gated', { gate: 'lost' }, ({ progress }) => void progressed.push(progress))
      const failed = expect(result).rejects.toThrow(/was lost before it was done/)
      await eventually(async () => (progressed.length > 0 ? true : undefined))
      await killEnvironmentOf(lambda, 'lost')
      await failed
      await client.close()
      await lambda.stop()
    })
  },
)

test('a function that exceeds its time limit is cut off, and another environment serves the next request', async () => {
  const lambda = await tests.start({ size: 1, limit: 2, timeout: 4_000 })
  const session = await initialize(lambda.url)
  await lambda.quiet()
  const [first] = lambda.environments
  const answer = post(lambda.url, toolCall(1, 'gated', { gate: 'never' }), { session, accept: 'application/json' })
  await eventually(async () => (first?.state === 'busy' ? true : undefined))
  // A stopped process cannot end its calls in time.
  process.kill(first?.pid ?? 0, 'SIGSTOP')
  expect((await answer).status).toBe(502)
  expect((await call(lambda.url, session, toolCall(2, 'count_session'))).result.content[0].text).toBe('1')
  expect(first?.state).toBe('dead')
})

test('HTTP+SSE: the stream and its session end in good order before the function does', async () => {
  const lambda = await tests.start({ limit: 6, timeout: 6_000, env: { LEGACY_SSE: '1' } })
  const response = await fetch(new URL('/sse', lambda.url), { headers: { accept: 'text/event-stream' } })
  const stream = new EventReader(response)
  const address = new URL((await stream.next())?.data ?? '', lambda.url)
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } }
  expect((await post(address, request(1, 'initialize', params))).status).toBe(202)
  await stream.until(({ id }) => id === 1)
  expect((await post(address, toolCall(2, 'echo', { message: 'hi' }))).status).toBe(202)
  const { message } = await stream.until(({ id }) => id === 2)
  expect(message?.result.content[0].text).toBe('hi')
  await stream.rest()
  expect(stream.broken).toBe(false)
  expect(stream.events.at(-1)?.retry).toBeGreaterThan(0)
  await eventually(async () => ((await post(address, request(3, 'ping'))).status === 404 ? true : undefined))
  await lambda.quiet()
  expect(lambda.lost()).toEqual([])
})
