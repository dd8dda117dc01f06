/** Calls and streams that reach the time limit of their function: when they end, and with what response. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { client2, connect1, sessionClients } from '../deploy/clients.ts'
import { eventually } from '../support/eventually.ts'
import type { RawSession, RpcMessage } from '../support/raw.ts'
import { call, EventReader, getStream, initialize, post, toolCall } from '../support/raw.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda } from './emulator.ts'

vi.setConfig({ testTimeout: 90_000 })

let tests: LambdaTests
let lambda: Lambda

// Streams that can be resumed close after half of it, calls end with an error after three quarters.
const TIMEOUT = 20_000

beforeAll(async () => {
  tests = await lambdaTests()
  // The tests run side by side, because each of them waits for the end of a function.
  lambda = await tests.start({ timeout: TIMEOUT, limit: 16 })
})
afterAll(async () => {
  // Every function ended by itself before its time limit: no environment was lost.
  await lambda.quiet()
  expect(lambda.lost()).toEqual([])
  await tests.stop()
})

let gates = 0
const newGate = () => `deadline-${gates++}`

async function open(gate: string): Promise<void> {
  const session = await initialize(lambda.url)
  await call(lambda.url, session, toolCall(1, 'user_set', { name: `gate:${gate}`, value: 'open' }))
}

/** The request of the call for this gate. */
const servedCall = (gate: string) =>
  eventually(async () =>
    lambda.requests.find(({ body, environment }) => environment && body.includes(`"gate":"${gate}"`)),
  )

async function running(session: RawSession, name: string, gate: string, accept?: string) {
  const options = { session, ...(accept !== undefined && { accept }) }
  const response = post(lambda.url, toolCall('the-call', name, { gate }, { progressToken: 'p' }), options)
  return { response, served: await servedCall(gate) }
}

const OUT_OF_TIME = /not done when the time was over/
const textOf = (message: RpcMessage | undefined): string => message?.result?.content[0].text

describe.concurrent('2025-11-25', () => {
  test.each(Object.entries(sessionClients))(
    'client %s gets the result of a second run elsewhere',
    async (_, connect) => {
      const gate = newGate()
      const client = await connect(lambda.url)
      const progressed: number[] = []
      const result = client.call('gated_rerunnable', { gate }, ({ progress }) => void progressed.push(progress))
      // The gate opens when the first function has ended, so another one completes the call.
      await (await servedCall(gate)).finished
      await open(gate)
      expect(await result).toMatch(`through ${gate}`)
      expect(progressed).toEqual([1, 2])
      await client.close()
    },
  )

  test('the stream closes with retry, the function goes on, and another function delivers the result', async () => {
    const gate = newGate()
    const session = await initialize(lambda.url)
    const { response, served } = await running(session, 'gated', gate)
    const first = new EventReader(await response)
    const messages = await first.rest()
    expect(first.broken).toBe(false)
    expect(first.events.at(-1)?.retry).toBeGreaterThan(0)
    expect(messages.map(({ params }) => params.progress)).toEqual([1])
    const resumed = await getStream(lambda.url, session, first.lastId)
    expect(lambda.requests.at(-1)?.environment).not.toBe(served.environment)
    await open(gate)
    const rest = await resumed.rest()
    expect(rest.map(({ params }) => params?.progress)).toEqual([2, undefined])
    expect(textOf(rest.at(-1))).toMatch(`through ${gate}`)
  })

  test('a call that must not run twice gets its error, also where its client was not connected at that time', async () => {
    const session = await initialize(lambda.url)
    const { response, served } = await running(session, 'gated', newGate())
    const first = new EventReader(await response)
    await first.rest()
    await served.finished
    const [last, ...more] = await (await getStream(lambda.url, session, first.lastId)).rest()
    expect(last).toMatchObject({ id: 'the-call', error: { code: -32603, message: expect.stringMatching(OUT_OF_TIME) } })
    expect(more).toEqual([])
  })

  test('a call that may run twice runs again in the function to which its client comes back', async () => {
    const gate = newGate()
    const session = await initialize(lambda.url)
    const { response, served } = await running(session, 'gated_rerunnable', gate)
    const first = new EventReader(await response)
    await first.rest()
    await served.finished
    const resumed = await getStream(lambda.url, session, first.lastId)
    await open(gate)
    expect(textOf((await resumed.rest()).at(-1))).toMatch(`through ${gate}`)
  })

  test('a client that accepts only JSON gets the error as JSON', async () => {
    const session = await initialize(lambda.url)
    const { response } = await running(session, 'gated', newGate(), 'application/json')
    const message = (await (await response).json()) as RpcMessage
    expect(message).toMatchObject({ id: 'the-call', error: { message: expect.stringMatching(OUT_OF_TIME) } })
  })

  test('official client 1.x gets the reason why a call failed', async () => {
    const client = await connect1(lambda.url)
    await expect(client.call('gated', { gate: newGate() })).rejects.toThrow(OUT_OF_TIME)
    await client.close()
  })
})

describe.concurrent.each(['2025-03-26', '2025-06-18'])('%s', (version) => {
  test('the stream stays open until the response', async () => {
    const gate = newGate()
    const session = await initialize(lambda.url, version)
    const stream = new EventReader(await (await running(session, 'gated', gate)).response)
    expect((await stream.message())?.params.progress).toBe(1)
    await open(gate)
    expect(textOf((await stream.rest()).at(-1))).toMatch(`through ${gate}`)
  })

  test('the stream ends with the error of an unfinished call, whether it may run twice or not', async () => {
    const session = await initialize(lambda.url, version)
    const { response } = await running(session, 'gated_rerunnable', newGate())
    const stream = new EventReader(await response)
    const [progress, error, ...more] = await stream.rest()
    expect(progress?.params.progress).toBe(1)
    expect(error).toMatchObject({ id: 'the-call', error: { message: expect.stringMatching(OUT_OF_TIME) } })
    expect(more).toEqual([])
    expect(stream.broken).toBe(false)
  })
})

describe.concurrent('2026-07-28', () => {
  test('a call gets an error', async () => {
    const { client } = await client2(lambda.url, { pin: '2026-07-28' })
    await expect(client.callTool({ name: 'gated', arguments: { gate: newGate() } })).rejects.toThrow(OUT_OF_TIME)
    await client.close()
  })

  test('subscriptions/listen ends with its closing result', async () => {
    const { client } = await client2(lambda.url, { pin: '2026-07-28' })
    const subscription = await client.listen({ toolsListChanged: true })
    expect(await subscription.closed).toBe('graceful')
    await client.close()
  })
})
