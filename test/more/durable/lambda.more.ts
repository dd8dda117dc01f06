/** A hundred durable calls on the emulated Lambda, and what official clients do while their users think: a table of their polls. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Lambda, Served } from '../../lambda/emulator.ts'
import { type Asked, answer, ask, billed, Suspending } from '../../lambda/suspended.ts'
import { ClientTimers } from '../../support/client-timers.ts'
import { eventually } from '../../support/eventually.ts'
import { initialize } from '../../support/raw.ts'

const MINUTE = 60_000
/** Of the mean poll, in ms of CPU: the first one of a function loads code. */
const MOST_CPU = 50
/** Sessions, which call side by side, and the calls of each: as many as one session may have suspended. */
const [SESSIONS, CALLS] = [5, 20]

let durable: Suspending
beforeAll(async () => {
  durable = await Suspending.start()
})
afterAll(() => durable.stop())

test('a hundred calls wait ten minutes without a function, and each completes on another one', async () => {
  // A session has up to three requests at once, and none of them is refused.
  const lambda = await durable.lambda({ size: 4, limit: 3 * SESSIONS })
  const names = Array.from({ length: SESSIONS }, (_, s) => Array.from({ length: CALLS }, (_, n) => `many-${s}-${n}`))
  const asked = await Promise.all(
    names.map(async (calls) => {
      const session = await initialize(lambda.url)
      const all: Asked[] = []
      for (const call of calls) all.push(await ask(lambda, session, call))
      return all
    }),
  )
  await lambda.quiet()
  const [before, count] = [billed(lambda.requests), lambda.requests.length]
  await Promise.all(lambda.environments.map((environment) => environment.stop()))
  await durable.pass(lambda, 10 * MINUTE)
  expect(lambda.environments.every(({ state }) => state === 'dead')).toBe(true)
  expect(lambda.requests.length).toBe(count)
  expect(billed(lambda.requests)).toBe(before)
  await Promise.all(
    asked.map(async (all) => {
      for (const one of all) expect(await answer(lambda, one)).toMatch(`${one.call} paid in `)
    }),
  )
  for (const call of names.flat()) {
    const { runs, reserve, pay } = durable.did(call)
    expect([call, runs.length]).toEqual([call, 2])
    expect(reserve).toEqual([runs[0]])
    expect(pay).toEqual([runs[1]])
    expect(runs[1]).not.toBe(runs[0])
  }
  expect(lambda.lost()).toEqual([])
})

// Official clients ----------------------------------------------------------------------------------------------------

interface Waiting {
  /** The call, with the user's answer, which comes when `answer` is called. */
  result: Promise<string>
  answer(): void
  close(): Promise<void>
}

interface Limits {
  timeout: number
  resetTimeoutOnProgress?: boolean
}

type Start = (url: URL, call: string, limits: Limits) => Promise<Waiting>

const info = { name: 'official', version: '1.0.0' }
const capabilities = { elicitation: {} }

function user(): { decide: () => Promise<{ action: 'accept'; content: { ok: boolean } }>; answer: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { decide: () => promise.then(() => ({ action: 'accept', content: { ok: true } })), answer: resolve }
}

const optionsOf = (limits: Limits) => ({ ...limits, ...(limits.resetTimeoutOnProgress && { onprogress: () => {} }) })

const start1: Start = async (url, call, limits) => {
  const client = new Client1(info, { capabilities })
  const { decide, answer } = user()
  client.setRequestHandler(ElicitRequestSchema, decide)
  const transport = new Transport1(url)
  await client.connect(transport as Parameters<typeof client.connect>[0])
  const result = client.callTool({ name: 'transfer', arguments: { call } }, undefined, optionsOf(limits))
  return { result: result.then(textOf), answer, close: () => client.close() }
}

const start2: Start = async (url, call, limits) => {
  const client = new Client2(info, { capabilities, versionNegotiation: { mode: 'legacy' } })
  const { decide, answer } = user()
  client.setRequestHandler('elicitation/create', decide)
  await client.connect(new Transport2(url))
  const result = client.callTool({ name: 'transfer', arguments: { call } }, optionsOf(limits))
  return { result: result.then(textOf), answer, close: () => client.close() }
}

function textOf(result: Record<string, unknown>): string {
  const [first] = result.content as { text?: string }[]
  return first?.text ?? ''
}

const CLIENTS: [name: string, start: Start][] = [
  ['1.x', start1],
  ['2.x', start2],
]

describe('while their user thinks', () => {
  const rows: string[] = []
  afterAll(() => {
    console.log(
      [
        '| client | limit of the request | polls in 10 minutes | longest wait | a poll | CPU of a poll | at most |',
        '|---|---|--:|--:|--:|--:|--:|',
        ...rows,
      ].join('\n'),
    )
  })

  const cases = CLIENTS.flatMap(([name, start]) => [
    [name, '20 minutes', start, { timeout: 20 * MINUTE }] as const,
    [name, '60 s, begun anew by progress', start, { timeout: MINUTE, resetTimeoutOnProgress: true }] as const,
  ])

  test.each(cases)(
    'client %s polls about fifty times in ten minutes (limit: %s)',
    async (name, limit, start, limits) => {
      const lambda = await durable.lambda({ size: 2, limit: 3 })
      const timers = new ClientTimers()
      try {
        const call = `client-${name}-${limits.timeout}`
        const waiting = await start(lambda.url, call, limits)
        // The client learns of an error of its call before the test asks for it.
        const settled = waiting.result.then(
          () => 'result',
          (error) => String(error),
        )
        const first = await eventually(async () => lambda.requests.find(({ body }) => body.includes('"transfer"')))
        await first.finished
        const begun = lambda.requests.length
        await passWhilePolling(lambda, timers, 10 * MINUTE)
        // Nothing but polls is billed, and none of them runs the call.
        const polls = lambda.requests.slice(begun)
        expect(new Set(polls.map(({ method }) => method))).toEqual(new Set(['GET']))
        expect(durable.did(call).runs).toHaveLength(1)
        // The function of the first run is gone.
        await lambda.environments.find(({ name }) => name === first.environment)?.stop()
        waiting.answer()
        await eventually(async () => {
          // The client comes back for the response when its wait is over.
          if (timers.size > 1 && lambda.environments.every(({ state }) => state !== 'busy')) timers.advance(timers.next)
          return (await Promise.race([settled, Promise.resolve(undefined)])) ?? undefined
        })
        expect(await waiting.result).toMatch(`${call} paid in `)
        const { runs, reserve, pay } = durable.did(call)
        expect([runs.length, reserve.length, pay.length]).toEqual([2, 1, 1])
        expect(runs[1]).not.toBe(runs[0])
        expect(polls.length).toBeGreaterThan(40)
        expect(polls.length).toBeLessThan(65)
        expect(meanOf(cpuOf(polls))).toBeLessThanOrEqual(MOST_CPU)
        rows.push(rowOf(name, limit, polls, timers))
        await waiting.close()
      } finally {
        timers.restore()
      }
    },
  )

  /** Time passes only while no function runs, and the client waits for its next poll. */
  async function passWhilePolling(lambda: Lambda, timers: ClientTimers, ms: number): Promise<void> {
    while (timers.now < ms) {
      await eventually(async () => {
        await lambda.quiet()
        // One timer is the limit of the request, the other one the wait for the next poll.
        return timers.size >= 2 ? true : undefined
      })
      const step = Math.min(timers.next, ms - timers.now)
      await durable.pass(lambda, step)
      timers.advance(step)
    }
  }

  const meanOf = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length

  function cpuOf(polls: readonly Served[]): number[] {
    return polls.map(({ billed }) => billed?.cpu ?? Number.NaN)
  }

  function rowOf(name: string, limit: string, polls: readonly Served[], { delays }: ClientTimers): string {
    const waits = delays.filter((ms) => ms < MINUTE)
    return `| ${name} | ${limit} | ${polls.length} | ${Math.max(...waits) / 1_000} s | ${meanOf(polls.map(({ billed }) => billed?.ms ?? Number.NaN)).toFixed(1)} ms | ${meanOf(cpuOf(polls)).toFixed(1)} ms | ${Math.max(...cpuOf(polls)).toFixed(1)} ms |`
  }
})

test.each(CLIENTS)('client %s waits in real time, and another function completes its call', async (name, start) => {
  const lambda = await durable.lambda({ size: 3, limit: 4 })
  const call = `real-${name}`
  const waiting = await start(lambda.url, call, { timeout: 2 * MINUTE })
  const first = await eventually(async () => lambda.requests.find(({ body }) => body.includes('"transfer"')))
  await first.finished
  // At least one poll that finds nothing.
  await eventually(
    async () =>
      lambda.requests.some(({ method, status, billed }) => method === 'GET' && status === 200 && billed) || undefined,
  )
  await lambda.environments.find(({ name }) => name === first.environment)?.stop()
  waiting.answer()
  expect(await waiting.result).toMatch(`${call} paid in `)
  const { runs, reserve, pay } = durable.did(call)
  expect([runs.length, reserve.length, pay.length]).toEqual([2, 1, 1])
  expect(runs[1]).not.toBe(runs[0])
  await waiting.close()
})
