/** Whatever clients do with the states that they have: a run that waits goes on once for each round, and nothing of it remains. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Endpoint } from '../../lib/endpoint.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { retry, tool } from '../stateless/requests.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RpcMessage } from '../support/raw.ts'
import { ask, endpointOf } from './stateless.ts'

const ROUNDS = 3
const PARK = 60_000
const request = tool('rounds')

interface Seen {
  runs: number
  rounds: number
  aborted: boolean
}

function serverOf(seen: Seen): McpServer {
  const server = new McpServer({ name: 'official', version: '1' })
  const form = (message: string) => ({
    message,
    requestedSchema: { type: 'object' as const, properties: { n: { type: 'number' as const } } },
  })
  server.registerTool('rounds', {}, async ({ signal }) => {
    seen.runs++
    signal.addEventListener('abort', () => {
      seen.aborted = true
    })
    for (let round = 0; round < ROUNDS; round++) {
      const both = [0, 1].map((n) => server.server.elicitInput(form(`${round}.${n}`), { timeout: 1e9 }))
      await Promise.all(both)
      seen.rounds++
    }
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return server
}

const at = fc.integer({ min: 0, max: 2 })
const step = fc.oneof(
  fc.record({ kind: fc.constant('all' as const), at }),
  fc.record({ kind: fc.constant('one' as const), at }),
  fc.record({ kind: fc.constant('none' as const), at }),
  fc.record({ kind: fc.constant('twice' as const), at }),
  fc.record({ kind: fc.constant('stale' as const), at }),
  fc.record({ kind: fc.constant('wrong' as const), at }),
  fc.record({ kind: fc.constant('wait' as const), at, ms: fc.integer({ min: 0, max: PARK }) }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const isAsking = (message: RpcMessage) => message.result?.resultType === 'input_required'
const keysOf = ({ result }: RpcMessage): string[] => Object.keys(result.inputRequests)
const answers = (keys: string[], content: unknown = { n: 1 }) =>
  Object.fromEntries(keys.map((key) => [key, { action: 'accept', content }]))

async function walk(steps: Step[]): Promise<void> {
  const seen: Seen = { runs: 0, rounds: 0, aborted: false }
  const clock = new ManualClock()
  const options = { store: memoryStore({ clock }), clock, stateless: { park: PARK }, onError: () => {} }
  const each: Endpoint[] = [0, 1, 2].map(() => endpointOf(serverOf(seen), options))
  const send = (index: number, state: RpcMessage, given: object) =>
    ask(each[index] as Endpoint, retry(request, state, given))
  let now = await ask(each[0] as Endpoint, request)
  const before: RpcMessage[] = []
  let waited = 0
  const goOn = (answer: RpcMessage) => {
    before.push(now)
    now = answer
    waited = 0
  }
  for (const one of steps) {
    const isOver = waited >= PARK
    if (one.kind === 'wait') {
      await clock.advance(one.ms)
      waited += one.ms
    } else if (one.kind === 'stale') {
      const [old] = before
      if (old)
        expect((await send(one.at, old, answers(keysOf(old)))).error?.message).toMatch(/have come before|is over/)
    } else if (!isAsking(now) || isOver) {
      expect((await send(one.at, before.at(-1) ?? now, {})).error?.message).toMatch(/have come before|is over/)
    } else if (one.kind === 'twice') {
      const both = await Promise.all([one.at, (one.at + 1) % 3].map((index) => send(index, now, answers(keysOf(now)))))
      const [good] = both.filter(({ error }) => error === undefined)
      expect(both.filter(({ error }) => error !== undefined)).toHaveLength(1)
      goOn(good as RpcMessage)
    } else if (one.kind === 'wrong') {
      expect((await send(one.at, now, answers(keysOf(now), 'no object'))).error?.code).toBe(-32602)
    } else {
      const keys = keysOf(now).slice(0, { all: 2, one: 1, none: 0 }[one.kind])
      goOn(await send(one.at, now, answers(keys)))
    }
  }
  await clock.advance(PARK)
  expect(seen.runs).toBe(1)
  // A run that had no result was ended, and one that had was not.
  expect(seen.aborted).toBe(isAsking(now))
  expect(seen.rounds === ROUNDS).toBe(!isAsking(now))
  for (const endpoint of each) {
    expect(endpoint.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
    expect(endpoint.held()).toEqual({ requests: 0, output: 0 })
    await endpoint.close()
  }
}

test('retries of every kind, at any instance and at any time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), (steps) => walk(steps)),
    { numRuns: 60 },
  )
}, 60_000)
