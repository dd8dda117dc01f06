/**
 * Whatever handlers do with contexts, nothing reaches another client: messages whose context is lost or whose call has ended are
 * not sent, and a queue that a running call began is stopped by `strict` and by instances for each session.
 */
import { AsyncResource } from 'node:async_hooks'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { OfficialOptions } from '../../lib/sdk/options.ts'
import { accept, call, connect } from './lines.ts'

/** How a handler asks: with its request, in its context, by a queue, after its end, or where the context is lost. */
const WAYS = ['related', 'context', 'queue', 'ended', 'lost'] as const

interface Step {
  client: number
  way: (typeof WAYS)[number]
  /** Turns of the event loop before the ask, and before the handler returns. */
  before: number
  after: number
}

const turns = fc.integer({ min: 0, max: 4 })
const step: fc.Arbitrary<Step> = fc.record({
  client: fc.integer({ min: 0, max: 2 }),
  way: fc.constantFrom(...WAYS),
  before: turns,
  after: turns,
})

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
async function wait(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await turn()
}

const outside = new AsyncResource('outside of calls')

function serverOf(late: Promise<unknown>[]): McpServer {
  const server = new McpServer({ name: 'official', version: '1' })
  const jobs: (() => Promise<unknown>)[] = []
  let works = false
  /** A worker that the first call which needs it begins, in the context of that call. */
  const work = async () => {
    while (jobs.length > 0) {
      await jobs.shift()?.()
      await turn()
    }
    works = false
  }
  const inputSchema = { message: z.string(), way: z.enum(WAYS), before: z.number(), after: z.number() }
  server.registerTool('step', { inputSchema }, async ({ message, way, before, after }, extra) => {
    const params = { mode: 'form' as const, message, requestedSchema: { type: 'object' as const, properties: {} } }
    const unrelated = () => server.server.elicitInput(params).catch(() => {})
    await wait(before)
    if (way === 'related') await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
    if (way === 'context') await unrelated()
    if (way === 'lost') await outside.runInAsyncScope(unrelated)
    // The call is over for certain a few turns after its handler has returned.
    if (way === 'ended') late.push(wait(after + 10).then(unrelated))
    if (way === 'queue') {
      jobs.push(unrelated)
      if (!works) {
        works = true
        late.push(work())
      }
    }
    await wait(after)
    return { content: [] }
  })
  return server
}

/** Runs the steps, and returns who was asked what, by the number of the step. */
async function askedIn(steps: Step[], { instances = 'shared', attribution }: OfficialOptions): Promise<number[][]> {
  const asked: number[][] = steps.map(() => [])
  const late: Promise<unknown>[] = []
  const user = (id: number) => ({
    revision: id === 2 ? '2026-07-28' : '2025-11-25',
    elicit: ({ message }: { message: string }) => {
      asked[Number(message)]?.push(id)
      return accept('x')
    },
  })
  const client = await connect(() => serverOf(late), { ...user(0), endpoint: { instances, attribution } })
  const clients = [client, await client.another(user(1)), await client.another(user(2))]
  await Promise.all(
    steps.map(({ client: id, ...args }, n) => clients[id] && call(clients[id], 'step', { ...args, message: `${n}` })),
  )
  await Promise.all(late)
  await client[Symbol.asyncDispose]()
  return asked
}

/** Whom a step may ask: exactly these, or (undefined) nobody or its own client. */
type Allowed = (step: Step) => number[] | undefined

const MODES: [string, OfficialOptions, Allowed][] = [
  [
    'a shared instance',
    { instances: 'shared' },
    ({ way, client }) => (way === 'related' || way === 'context' ? [client] : []),
  ],
  [
    'a shared instance that is strict',
    { instances: 'shared', attribution: 'strict' },
    ({ way, client }) => (way === 'related' ? [client] : []),
  ],
  [
    'instances for each session',
    { instances: 'session' },
    ({ way, client }) => {
      if (way === 'queue') return undefined
      return way === 'related' || way === 'context' ? [client] : []
    },
  ],
]

test.each(MODES)(
  'with %s, whatever handlers, queues and late work ask reaches nobody else',
  async (_mode, options, allowed) => {
    // A queue of a shared instance may ask the wrong client: that is the limit which the other two do not have.
    const hasLimit = options.instances === 'shared' && options.attribution === undefined
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (all) => {
        const steps = hasLimit ? all.filter(({ way }) => way !== 'queue') : all
        const asked = await askedIn(steps, options)
        for (const [n, one] of steps.entries()) {
          const may = allowed(one)
          if (may) expect([one, asked[n]]).toEqual([one, may])
          else expect([[], [one.client]]).toContainEqual(asked[n])
        }
      }),
      { numRuns: 20 },
    )
  },
  60_000,
)

test('the limit is there: a queue that a running call began asks the client of that call', async () => {
  const steps: Step[] = [
    { client: 0, way: 'queue', before: 0, after: 60 },
    { client: 1, way: 'queue', before: 0, after: 60 },
  ]
  const [first, second] = await askedIn(steps, { instances: 'shared' })
  expect(first).toEqual([0])
  expect(second).toEqual([0])
  expect((await askedIn(steps, { instances: 'shared', attribution: 'strict' })).flat()).toEqual([])
  expect((await askedIn(steps, { instances: 'session' }))[1]).not.toContain(0)
})
