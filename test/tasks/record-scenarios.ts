/** What the record of a task demands of each store: the guards of each step. A lease of -1 has lapsed at once. */
import { expect } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import type { NewTask, TaskKey, TaskStore, TaskTerms } from '../../lib/store/tasks.ts'

export const HELD: TaskTerms = { lease: 60_000, backOff: [0], patience: 60_000 }
export const LAPSED: TaskTerms = { ...HELD, lease: -1 }
export const NEW: NewTask = { owner: 'i:a', request: '{"method":"tools/call"}', ttl: 60_000, poll: 2_000, retries: 3 }
const CLAIMED = { claim: expect.anything() }
export const ask = (key: string) => ({ key, ask: `digest of ${key}`, request: `{"key":"${key}"}` })
export const keep = (owner: string, name: string, value = '1') => ({
  owner,
  once: { name, step: 'end' as const, value },
})

let made = 0
export const newKey = (): TaskKey => ({ scope: `scope${++made}`, id: 'task' })

export interface RecordParts {
  tasks: TaskStore
  store: Store
  create(change?: Partial<NewTask>, terms?: TaskTerms): Promise<TaskKey>
}

export function partsOf(store: Store, tasks: TaskStore): RecordParts {
  return {
    tasks,
    store,
    async create(change = {}, terms = HELD) {
      const key = newKey()
      expect(await tasks.create(key, { ...NEW, ...change }, terms)).toMatchObject({ status: 'ok' })
      return key
    },
  }
}

export const recordScenarios = {
  'a task is there once it was made, and is not made twice': async ({ tasks, create }) => {
    const key = await create()
    expect(await tasks.get(key, HELD)).toMatchObject({
      status: 'ok',
      view: { status: 'working', leg: 1, ttl: 60_000, asks: [] },
    })
    expect(await tasks.create(key, { ...NEW, request: 'another' }, HELD)).toEqual({ status: 'taken' })
    expect(await tasks.get({ scope: 'another', id: 'task' }, HELD)).toEqual({ status: 'unknown' })
  },

  'a task that has expired is unknown': async ({ tasks }) => {
    const key = newKey()
    await tasks.create(key, { ...NEW, ttl: -1 }, HELD)
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toEqual({ status: 'unknown' })
    expect(await tasks.end(key, 'i:a', { kind: 'completed', outcome: '{}' }, HELD)).toEqual({ status: 'unknown' })
  },

  'a leg is claimed only where its lease has lapsed, in the step that reads, with what the runs before have kept':
    async ({ tasks, create }) => {
      const key = await create({
        answers: [{ key: 'k', ask: 'd', value: '"answer"' }],
        results: [{ name: 'n', value: '1' }],
      })
      expect(await tasks.get(key, HELD, { owner: 'i:b' })).not.toMatchObject(CLAIMED)
      expect(await tasks.renew(key, keep('i:a', 'm', '2'), LAPSED)).toMatchObject({ status: 'ok' })
      const taken = await tasks.get(key, HELD, { owner: 'i:b' })
      expect(taken).toMatchObject({ claim: { leg: 1, attempt: 2, request: NEW.request } })
      if (taken.status !== 'ok') throw new Error('unknown')
      expect(taken.claim?.asks).toEqual(new Map([['k', { ask: 'd', value: '"answer"' }]]))
      expect(taken.claim?.results).toEqual(
        new Map([
          ['n', '1'],
          ['m', '2'],
        ]),
      )
      expect(await tasks.get(key, HELD, { owner: 'i:c' })).not.toMatchObject(CLAIMED)
    },

  'a run that has the leg no longer changes nothing': async ({ tasks, create }) => {
    const key = await create({}, LAPSED)
    await tasks.get(key, HELD, { owner: 'i:b' })
    expect(await tasks.renew(key, keep('i:a', 'n'), HELD)).toEqual({ status: 'lost' })
    expect(await tasks.end(key, 'i:a', { kind: 'completed', outcome: '{"result":{}}' }, HELD)).toEqual({
      status: 'lost',
    })
    expect(await tasks.end(key, 'i:a', { kind: 'input', asks: [ask('k')] }, HELD)).toEqual({ status: 'lost' })
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'working', asks: [] } })
  },

  'only when every open ask has its answer does the next leg begin, and its first answer stays': async ({
    tasks,
    create,
  }) => {
    const key = await create()
    const asks = [ask('first'), ask('second')]
    expect(await tasks.end(key, 'i:a', { kind: 'input', asks }, HELD)).toMatchObject({ status: 'ok' })
    const asked = await tasks.get(key, HELD, { owner: 'i:b' })
    expect(asked).toMatchObject({ view: { status: 'input_required', leg: 2, asks } })
    expect(asked).not.toMatchObject(CLAIMED)
    const part = await tasks.update(
      key,
      new Map([
        ['first', '"1"'],
        ['unknown', '"x"'],
      ]),
      HELD,
      { owner: 'i:b' },
    )
    expect(part).toMatchObject({ view: { status: 'input_required', asks: [ask('second')] } })
    expect(part).not.toMatchObject(CLAIMED)
    const all = await tasks.update(
      key,
      new Map([
        ['first', '"other"'],
        ['second', '"2"'],
      ]),
      HELD,
      { owner: 'i:c' },
    )
    expect(all).toMatchObject({ view: { status: 'working', asks: [] }, claim: { leg: 2, attempt: 1 } })
    if (all.status !== 'ok') throw new Error('unknown')
    expect(all.claim?.asks.get('first')?.value).toBe('"1"')
    const late = await tasks.update(key, new Map([['second', '"3"']]), HELD, { owner: 'i:d' })
    expect(late).toMatchObject({ view: { status: 'working' } })
    expect(late).not.toMatchObject(CLAIMED)
  },

  'a cancel is the end at once, names the run, and an outcome that comes later changes nothing': async ({
    tasks,
    create,
  }) => {
    const key = await create()
    expect(await tasks.cancel(key)).toMatchObject({ status: 'ok', owner: 'i:a', view: { status: 'cancelled' } })
    expect(await tasks.cancel(key)).toMatchObject({ status: 'over' })
    expect(await tasks.renew(key, { owner: 'i:a' }, HELD)).toEqual({ status: 'cancelled' })
    expect(await tasks.end(key, 'i:a', { kind: 'completed', outcome: '{"result":{}}' }, HELD)).toEqual({
      status: 'cancelled',
    })
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toMatchObject({ view: { status: 'cancelled' } })
    const waiting = await create()
    await tasks.end(waiting, 'i:a', { kind: 'input', asks: [ask('k')] }, HELD)
    expect(await tasks.cancel(waiting)).toMatchObject({ status: 'ok', view: { status: 'cancelled' } })
    await tasks.update(waiting, new Map([['k', '1']]), HELD, { owner: 'i:b' })
    expect(await tasks.get(waiting, HELD)).toMatchObject({ view: { status: 'cancelled' } })
  },

  'an end that is repeated after a lost reply is ok': async ({ tasks, create }) => {
    const key = await create()
    const end = { kind: 'completed', outcome: '{"result":{}}' } as const
    for (let i = 0; i < 2; i++) expect(await tasks.end(key, 'i:a', end, HELD)).toMatchObject({ status: 'ok' })
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'completed', outcome: end.outcome } })
  },

  'a leg that is lost too often without progress fails in the step that would claim it': async ({ tasks, create }) => {
    const key = await create({ retries: 2 }, LAPSED)
    for (const attempt of [2, 3]) {
      expect(await tasks.get(key, LAPSED, { owner: `i:${attempt}` })).toMatchObject({ claim: { attempt } })
    }
    expect(await tasks.get(key, LAPSED, { owner: 'i:4' })).toMatchObject({
      view: { status: 'failed', outcome: undefined },
    })
    const never = await create({ retries: 0 }, LAPSED)
    expect(await tasks.get(never, HELD, 'enqueue')).toMatchObject({ view: { status: 'failed' } })
  },

  'progress, and each leg, begin the count of losses again': async ({ tasks, create }) => {
    const key = await create({ retries: 1 }, LAPSED)
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toMatchObject({ claim: { attempt: 2 } })
    await tasks.renew(key, keep('i:b', 'n'), LAPSED)
    expect(await tasks.get(key, HELD, { owner: 'i:c' })).toMatchObject({ claim: { attempt: 2 } })
    await tasks.end(key, 'i:c', { kind: 'input', asks: [ask('k')] }, HELD)
    await tasks.update(key, new Map([['k', '1']]), LAPSED, { owner: 'i:d' })
    expect(await tasks.get(key, HELD, { owner: 'i:e' })).toMatchObject({ claim: { leg: 2, attempt: 2 } })
  },

  'a lost leg waits before it is run again': async ({ tasks, create }) => {
    const key = await create({}, LAPSED)
    expect(await tasks.get(key, { ...HELD, backOff: [60_000] }, { owner: 'i:b' })).not.toMatchObject(CLAIMED)
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toMatchObject({ claim: { attempt: 2 } })
  },

  'a run that is released early counts where it should and has kept nothing': async ({ tasks, create }) => {
    const key = await create({ retries: 1 })
    const released = { kind: 'released', counts: true, enqueue: true } as const
    expect(await tasks.end(key, 'i:a', released, HELD)).toMatchObject({ status: 'ok', enqueue: { leg: 1, delay: 0 } })
    await tasks.get(key, HELD, { owner: 'i:b', leg: 1 })
    await tasks.renew(key, keep('i:b', 'n'), HELD)
    await tasks.end(key, 'i:b', released, HELD)
    await tasks.get(key, HELD, { owner: 'i:c' })
    await tasks.end(key, 'i:c', { ...released, counts: false }, HELD)
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'working' } })
    await tasks.get(key, HELD, { owner: 'i:d' })
    await tasks.end(key, 'i:d', released, HELD)
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'working' } })
    await tasks.get(key, HELD, { owner: 'i:e' })
    await tasks.end(key, 'i:e', released, HELD)
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'failed' } })
  },

  'an executor is asked once within its patience, and a wake for another leg takes nothing': async ({
    tasks,
    create,
  }) => {
    const key = await create({ owner: undefined })
    expect(await tasks.get(key, HELD, 'enqueue')).not.toMatchObject({ enqueue: expect.anything() })
    expect(await tasks.get(key, HELD, { owner: 'i:b', leg: 2 })).not.toMatchObject(CLAIMED)
    expect(await tasks.get(key, HELD, { owner: 'i:b', leg: 1 })).toMatchObject({ claim: { leg: 1, attempt: 1 } })
    expect(await tasks.get(key, HELD, { owner: 'i:c', leg: 1 })).not.toMatchObject(CLAIMED)
    await tasks.end(key, 'i:b', { kind: 'input', asks: [ask('k')] }, HELD)
    const impatient = { ...HELD, patience: -1 }
    expect(await tasks.update(key, new Map([['k', '1']]), impatient, 'enqueue')).toMatchObject({
      enqueue: { leg: 2, delay: 0 },
    })
    expect(await tasks.get(key, HELD, 'enqueue')).toMatchObject({ enqueue: { leg: 2 } })
  },

  'the first value of a name stays, a single is begun by one run, and the journal has a bound': async ({
    tasks,
    create,
  }) => {
    const key = await create()
    await tasks.renew(key, keep('i:a', 'n', '"first"'), HELD)
    expect(await tasks.renew(key, keep('i:a', 'n', '"second"'), HELD)).toEqual({ status: 'known', value: '"first"' })
    const begin = (owner: string) => ({ owner, once: { name: 's', step: 'begin' as const } })
    expect(await tasks.renew(key, begin('i:a'), LAPSED)).toMatchObject({ status: 'ok' })
    await tasks.get(key, HELD, { owner: 'i:b' })
    expect(await tasks.renew(key, begin('i:b'), HELD)).toEqual({ status: 'begun' })
    expect(await tasks.renew(key, keep('i:b', 'large', `"${'x'.repeat(1024 * 1024)}"`), HELD)).toEqual({
      status: 'full',
    })
  },

  'replies name those who wait, and only for as long as they said': async ({ tasks, create }) => {
    const key = await create()
    expect(await tasks.watch(key, 'i:w', 60_000)).toMatchObject({ status: 'ok' })
    await tasks.watch(key, 'i:gone', 60_000)
    await tasks.watch(key, 'i:gone', 0)
    await tasks.watch(key, 'i:late', -5)
    expect(await tasks.renew(key, { owner: 'i:a', message: 'half' }, HELD)).toEqual({ status: 'ok', watchers: ['i:w'] })
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { message: 'half', progress: undefined } })
    await tasks.renew(key, { owner: 'i:a', message: 'more', progress: '{"progress":2}' }, HELD)
    await tasks.renew(key, { owner: 'i:a', message: 'said' }, HELD)
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { message: 'said', progress: '{"progress":2}' } })
    expect(await tasks.end(key, 'i:a', { kind: 'failed', outcome: '{}', message: 'why' }, HELD)).toMatchObject({
      watchers: ['i:w'],
    })
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'failed', message: 'why' } })
  },

  'a claim that is sent again after a lost reply is answered as the first was': async ({ tasks, create }) => {
    const key = await create({ retries: 2 }, LAPSED)
    const first = await tasks.get(key, HELD, { owner: 'i:b' })
    expect(first).toMatchObject({ claim: { leg: 1, attempt: 2 } })
    // But that the run before is named once.
    const again = { ...first, claim: { ...('claim' in first ? first.claim : undefined), from: undefined } }
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toEqual(again)
    expect(await tasks.get(key, HELD, { owner: 'i:b', leg: 1 })).toEqual(again)
    // It is no further loss.
    await tasks.renew(key, { owner: 'i:b' }, LAPSED)
    expect(await tasks.get(key, HELD, { owner: 'i:c' })).toMatchObject({ claim: { attempt: 3 } })
  },

  'a leg that ends on nothing but what has its answer is followed by the next one': async ({ tasks, create }) => {
    const key = await create({ answers: [{ key: 'k', ask: 'digest of k', value: '1' }] })
    expect(await tasks.end(key, 'i:a', { kind: 'input', asks: [ask('k')] }, HELD)).toMatchObject({ status: 'ok' })
    expect(await tasks.get(key, HELD)).toMatchObject({ view: { status: 'working', leg: 2, asks: [] } })
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toMatchObject({ claim: { leg: 2, attempt: 1 } })
  },

  'answers that are sent again after a lost reply have the same claim': async ({ tasks, create }) => {
    const key = await create()
    await tasks.end(key, 'i:a', { kind: 'input', asks: [ask('k')] }, HELD)
    const answers = new Map([['k', '"1"']])
    const first = await tasks.update(key, answers, HELD, { owner: 'i:b' })
    expect(first).toMatchObject({ claim: { leg: 2, attempt: 1 } })
    expect(await tasks.update(key, answers, HELD, { owner: 'i:b' })).toMatchObject({
      ...{ status: 'ok', claim: { leg: 2, attempt: 1 } },
      view: { status: 'working' },
    })
    expect(await tasks.update(key, answers, HELD, { owner: 'i:c' })).not.toMatchObject(CLAIMED)
    expect(await tasks.update(key, answers, HELD, 'enqueue')).not.toMatchObject(CLAIMED)
    await tasks.end(key, 'i:b', { kind: 'completed', outcome: '{"result":{}}' }, HELD)
    expect(await tasks.update(key, answers, HELD, { owner: 'i:b' })).not.toMatchObject(CLAIMED)
  },

  'a wake that comes before its leg may begin is answered with how long that is, and nothing is taken': async ({
    tasks,
    create,
  }) => {
    const key = await create()
    const slow = { ...HELD, backOff: [60_000] }
    const released = { kind: 'released', counts: true, enqueue: true } as const
    expect(await tasks.end(key, 'i:a', released, slow)).toMatchObject({ enqueue: { leg: 1, delay: 60_000 } })
    const early = await tasks.get(key, HELD, { owner: 'i:b', leg: 1 })
    if (early.status !== 'ok') throw new Error('unknown')
    expect(early.wait).toBeGreaterThan(50_000)
    expect(early.wait).toBeLessThanOrEqual(60_000)
    expect(early).not.toMatchObject(CLAIMED)
    // A poll does not wait, and a lease that a run has may be renewed.
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).not.toHaveProperty('wait')
    const held = await create()
    expect(await tasks.get(held, HELD, { owner: 'i:b', leg: 1 })).not.toHaveProperty('wait')
  },

  'one stream at a time sends what a task asks, and another one where that ends, or nobody has read it for long':
    async ({ tasks, store }) => {
      const scope = `session${++made}`
      await store.createSession(scope, 'record', 60_000)
      const key = { scope, id: 'one', inSession: true }
      await tasks.create(key, NEW, HELD)
      const watch = (stream: string, lifetime = 60_000) =>
        tasks.watch(key, `i:${stream}`, lifetime === 0 ? 0 : 60_000, { stream, lifetime })
      expect(await watch('a')).toMatchObject({ turn: 1 })
      expect((await watch('b')) as object).toMatchObject({ turn: undefined })
      expect(await watch('a')).toMatchObject({ turn: 1 })
      // The end of one that has no turn changes nothing.
      expect(await watch('b', 0)).toMatchObject({ watchers: [] })
      await watch('b')
      const left = await watch('a', 0)
      expect(left).toMatchObject({ watchers: ['i:b'] })
      expect(await watch('b')).toMatchObject({ turn: 2 })
      expect(await tasks.watch(key, 'i:none', 60_000)).toMatchObject({ turn: undefined })
      // Nobody reads the stream of b: it cannot keep its turn for longer, but has it where no other wants it.
      await watch('b', 0)
      expect(await watch('b', 1)).toMatchObject({ turn: 3 })
      await expect.poll(async () => (await watch('c')) as object).toMatchObject({ turn: 4 })
      await watch('c', 0)
      await store.register(scope, { id: 'n1', stream: 'd', owner: 'i:d', holder: 'i:h' })
      await watch('d', 1)
      // Its stream is read: it keeps its turn for as long as it asks for.
      expect(await watch('d')).toMatchObject({ turn: 5 })
      expect(await watch('c')).toMatchObject({ turn: undefined })
      await watch('d', 1)
      await store.release(scope, 'd', 'i:h', false)
      expect(await watch('d')).toMatchObject({ turn: 5 })
      await expect.poll(async () => (await watch('c')) as object).toMatchObject({ turn: 6 })
    },

  'the tasks of a session that has ended are removed, with the names of their runs': async ({ tasks, store }) => {
    const scope = `session${++made}`
    await store.createSession(scope, 'record', 60_000)
    const place = (id: string) => ({ scope, id, inSession: true })
    await tasks.create(place('runs'), NEW, HELD)
    await tasks.create(place('waits'), { ...NEW, owner: undefined }, HELD)
    expect(await tasks.endSession(scope)).toEqual([])
    expect(await tasks.list(scope)).toHaveLength(2)
    await store.deleteSession(scope)
    const ended = await tasks.endSession(scope)
    expect(ended.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'runs', owner: 'i:a' },
      { id: 'waits', owner: undefined },
    ])
    expect(await tasks.endSession(scope)).toEqual([])
    // There is nothing left that a session of the same key would find.
    await store.createSession(scope, 'record', 60_000)
    expect(await tasks.list(scope)).toEqual([])
    expect(await tasks.get(place('runs'), HELD)).toEqual({ status: 'unknown' })
  },

  'a task of a session is listed there, and ends with it': async ({ tasks, store }) => {
    const scope = `session${++made}`
    await store.createSession(scope, 'record', 60_000)
    const key = { scope, id: 'one', inSession: true }
    expect(await tasks.create({ ...key, scope: 'no session' }, NEW, HELD)).toEqual({ status: 'unknown' })
    await tasks.create(key, NEW, HELD)
    expect(await tasks.list(scope)).toMatchObject([{ id: 'one', view: { status: 'working' } }])
    await store.deleteSession(scope)
    expect(await tasks.list(scope)).toEqual([])
    expect(await tasks.get(key, HELD, { owner: 'i:b' })).toEqual({ status: 'unknown' })
    expect(await tasks.renew(key, { owner: 'i:a' }, HELD)).toEqual({ status: 'unknown' })
    expect(await tasks.cancel(key)).toEqual({ status: 'unknown' })
  },
} satisfies Record<string, (parts: RecordParts) => Promise<void>>
