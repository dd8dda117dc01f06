/** The record of a task, in memory and in Redis, plain and sealed. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { sealedStore } from '../../lib/store/sealed.ts'
import type { Store } from '../../lib/store/store.ts'
import type { TaskKey, TaskStore } from '../../lib/store/tasks.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { ask, HELD, keep, LAPSED, NEW, newKey, partsOf, type RecordParts, recordScenarios } from './record-scenarios.ts'

let redis: RedisServer
const opened: Store[] = []
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await redis.stop()
})

const KEYS = [Buffer.alloc(32, 'k')]
const STORES: Record<string, () => Store> = {
  memory: () => memoryStore(),
  redis: () => redisStore(redis.url),
  sealed: () => sealedStore(redisStore(redis.url), KEYS),
}

async function open(name: string): Promise<{ store: Store; tasks: TaskStore }> {
  const store = STORES[name]?.() as Store
  opened.push(store)
  return { store, tasks: (await store.tasks?.()) as TaskStore }
}

describe.each(Object.keys(STORES))('%s', (name) => {
  let parts: RecordParts
  beforeAll(async () => {
    const { tasks, store } = await open(name)
    parts = partsOf(store, tasks)
  })

  test.each(Object.entries(recordScenarios))('%s', (_name, run) => run(parts))
})

test('what was sealed with another key, or for another place, is unknown', async () => {
  const { tasks } = await open('sealed')
  const key = newKey()
  await tasks.create(key, NEW, LAPSED)
  const other = sealedStore(redisStore(redis.url), [Buffer.alloc(32, 'o')])
  opened.push(other)
  expect(await (await other.tasks?.())?.get(key, HELD, { owner: 'i:b' })).toEqual({ status: 'unknown' })
  const plain = await open('redis')
  await plain.tasks.create(newKey(), NEW, HELD)
  const raw = redisStore(redis.url)
  opened.push(raw)
  const stored = await (await raw.tasks?.())?.get(key, LAPSED, { owner: 'i:c' })
  expect(JSON.stringify(stored)).not.toContain('tools/call')
})

// One random history on memory and on Redis: the same replies, and what the models of the protocol promise.

const RUNS = ['i:a', 'i:b', 'i:c']
const NAMES = ['x', 'y']
const step = fc.oneof(
  fc.record({
    do: fc.constant('claim' as const),
    run: fc.constantFrom(...RUNS),
    leg: fc.constantFrom(undefined, 1, 2, 3),
  }),
  fc.record({ do: fc.constant('enqueue' as const) }),
  fc.record({ do: fc.constant('renew' as const), run: fc.constantFrom(...RUNS), lapses: fc.boolean() }),
  fc.record({
    do: fc.constant('keep' as const),
    run: fc.constantFrom(...RUNS),
    name: fc.constantFrom(...NAMES),
    lapses: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('ask' as const),
    run: fc.constantFrom(...RUNS),
    keys: fc.constantFrom(['k'], ['k', 'l'], ['m']),
  }),
  fc.record({
    do: fc.constant('answer' as const),
    key: fc.constantFrom('k', 'l', 'm'),
    run: fc.constantFrom(...RUNS),
    lapses: fc.boolean(),
  }),
  fc.record({ do: fc.constant('complete' as const), run: fc.constantFrom(...RUNS) }),
  fc.record({ do: fc.constant('release' as const), run: fc.constantFrom(...RUNS), counts: fc.boolean() }),
  fc.record({ do: fc.constant('cancel' as const), rare: fc.constantFrom(0, 1, 2, 3, 4) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

let turn = 0
function run(tasks: TaskStore, key: TaskKey, given: Step) {
  const terms = 'lapses' in given && given.lapses ? LAPSED : HELD
  switch (given.do) {
    case 'claim':
      return tasks.get(key, HELD, { owner: given.run, leg: given.leg })
    case 'enqueue':
      return tasks.get(key, { ...HELD, patience: -1 }, 'enqueue')
    case 'renew':
      return tasks.renew(key, { owner: given.run }, terms)
    case 'keep':
      return tasks.renew(key, keep(given.run, given.name, `"${given.run} ${turn}"`), terms)
    case 'ask':
      return tasks.end(key, given.run, { kind: 'input', asks: given.keys.map(ask) }, HELD)
    case 'answer':
      return tasks.update(key, new Map([[given.key, `"${turn}"`]]), terms, { owner: given.run })
    case 'complete':
      return tasks.end(key, given.run, { kind: 'completed', outcome: `{"result":{"by":"${given.run}"}}` }, HELD)
    case 'release':
      return tasks.end(key, given.run, { kind: 'released', counts: given.counts, enqueue: false }, HELD)
    case 'cancel':
      return given.rare === 0 ? tasks.cancel(key) : tasks.get(key, HELD)
  }
}

const timeless = (reply: unknown) =>
  JSON.parse(
    JSON.stringify(reply, (name, value) =>
      name === 'created' || name === 'updated' ? 0 : value instanceof Map ? [...value].sort() : value,
    ),
  )

test('random interleavings of claims, lapses, zombies, answers, cancels and repeated messages', async () => {
  const [memory, stored] = [await open('memory'), await open('redis')]
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const key = newKey()
      await Promise.all([memory, stored].map(({ tasks }) => tasks.create(key, { ...NEW, retries: 2 }, LAPSED)))
      let over: string | undefined
      let owner: string | undefined = 'i:a'
      const values = new Map<string, string>()
      const open = new Set<string>()
      for (const given of steps) {
        turn++
        const replies = [await run(memory.tasks, key, given), await run(stored.tasks, key, given)]
        expect(timeless(replies[1])).toEqual(timeless(replies[0]))
        const reply = replies[0] as {
          status: string
          claim?: { results: Map<string, string>; asks: Map<string, { value?: string }> }
        }
        const now = await memory.tasks.get(key, HELD)
        if (now.status !== 'ok') throw new Error('The task is gone.')
        const { status } = now.view
        // What has ended stays as it is.
        if (over !== undefined) expect(JSON.stringify(timeless(now.view))).toBe(over)
        if (reply.claim) {
          expect(over).toBeUndefined()
          // Every value that a run was acknowledged is there for the next one, and every ask has its answer.
          for (const [name, value] of values) expect(reply.claim.results.get(name)).toBe(value)
          for (const { value } of reply.claim.asks.values()) expect(value).toBeDefined()
          owner = 'run' in given ? given.run : undefined
        }
        if (given.do === 'keep' && reply.status === 'ok') {
          expect(given.run).toBe(owner)
          values.set(given.name, `"${given.run} ${turn}"`)
        }
        if (given.do === 'complete' && status === 'completed' && over === undefined) expect(given.run).toBe(owner)
        if (status === 'input_required') {
          expect(now.view.asks.length).toBeGreaterThan(0)
          owner = undefined
        } else expect(now.view.asks).toEqual([])
        for (const { key: asked } of now.view.asks) open.add(asked)
        if (['completed', 'failed', 'cancelled'].includes(status)) over = JSON.stringify(timeless(now.view))
      }
    }),
    { numRuns: 60 },
  )
})
