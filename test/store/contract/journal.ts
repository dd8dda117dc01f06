/** The journals of durable calls: results of `once`, asks by key, and deadlines. */
import { describe, expect, test } from 'vitest'
import { JOURNAL_BYTES, JOURNAL_ENTRIES, TIMED_OUT } from '../../../lib/store/journal.ts'
import { ask, asking, claimed, durable, logged, once, RUN1, RUN2, RUN3, type Scenario } from './scenario.ts'
import { append, call, fixture, type MakeStore, MINUTE, until } from './support.ts'

export const journalScenarios = {
  'a result is found by each later run, with the number of what was said': {
    async run({ store, key }) {
      expect(await store.keep(key, once('a', '1', { register: durable }))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('b', '2'))).toEqual({ status: 'ok' })
      await store.append(key, logged(1, ['x', 'y'], { said: 2 }))
      await store.append(key, logged(3, ['response of a batch']))
      const first = await claimed(store, key, RUN1, RUN2)
      expect(first).toMatchObject({ end: 3, id: 'n:1', request: durable.request, cancelled: false })
      expect(first.journal).toMatchObject({ said: 2, slept: undefined, asks: new Map(), answers: new Map() })
      const results = new Map([
        ['a', '1'],
        ['b', '2'],
      ])
      expect(first.journal.results).toEqual(results)
      expect((await claimed(store, key, RUN2, RUN3)).journal.results).toEqual(results)
    },
  },
  'the first result stays, whatever comes after it': {
    async run({ store, key }) {
      await store.keep(key, once('a', '1', { register: durable }))
      expect(await store.keep(key, once('a', '1'))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('a', '2'))).toEqual({ status: 'known', value: '1' })
      expect(await store.keep(key, once('a', '', { step: 'begin' }))).toEqual({ status: 'known', value: '1' })
      const { journal } = await claimed(store, key, RUN1, RUN2)
      expect(journal.results).toEqual(new Map([['a', '1']]))
    },
  },
  'a step of a run that has lost its call is refused': {
    async run({ store, key }) {
      await store.register(key, durable)
      await store.claim(key, 'S', RUN1, RUN2)
      expect(await store.keep(key, once('a', '1'))).toEqual({ status: 'lost' })
      expect(await store.keep(key, once('a', '1', { register: durable }))).toEqual({ status: 'lost' })
      expect(await store.keep(key, once('b', '', { step: 'begin' }))).toEqual({ status: 'lost' })
      expect(await store.keep(key, once('b', '', { step: 'begin', owner: RUN2 }))).toEqual({ status: 'ok' })
      expect((await claimed(store, key, RUN2, RUN3)).journal.results).toEqual(new Map())
    },
  },
  'a step of a cancelled call is refused': {
    async run({ store, key }) {
      await store.register(key, durable)
      await store.cancel(key, 'n:1')
      expect(await store.keep(key, once('a', '1'))).toEqual({ status: 'cancelled' })
      expect((await claimed(store, key, RUN1, RUN2)).journal.results).toEqual(new Map())
    },
  },
  'a single once that another run began is never begun again': {
    async run({ store, key }) {
      const begin = once('a', '', { step: 'begin', register: durable })
      expect(await store.keep(key, begin)).toEqual({ status: 'ok' })
      // Its reply was lost.
      expect(await store.keep(key, begin)).toEqual({ status: 'ok' })
      await store.claim(key, 'S', RUN1, RUN2)
      expect(await store.keep(key, once('a', '', { step: 'begin', owner: RUN2 }))).toEqual({ status: 'begun' })
    },
  },
  'a single once begins again where the run that began it reports its failure, and that run alone': {
    async run({ store, key }) {
      await store.keep(key, once('a', '', { step: 'begin', register: durable }))
      expect(await store.keep(key, once('a', '', { step: 'fail' }))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('a', '', { step: 'begin' }))).toEqual({ status: 'ok' })
      await store.claim(key, 'S', RUN1, RUN2)
      expect(await store.keep(key, once('a', '', { step: 'fail', owner: RUN2 }))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('a', '', { step: 'begin', owner: RUN2 }))).toEqual({ status: 'begun' })
    },
  },
  'a once that registers a call whose cancel came first is refused': {
    async run({ store, key }) {
      await store.cancel(key, 'n:1')
      expect(await store.keep(key, once('a', '1', { register: durable }))).toEqual({ status: 'cancelled' })
      expect(await store.endCall(key, { stream: 'S', owner: RUN1, mark: true, durable: true })).toMatchObject({
        status: 'ok',
        cancelled: true,
      })
    },
  },
  'a call that registered as others do is durable from its first once on': {
    async run({ store, key }) {
      await store.append(key, append(1, ['a'], { register: { ...call, request: '{}' } }))
      expect(await store.keep(key, once('a', '1'))).toEqual({ status: 'ok' })
      const { request, journal } = await claimed(store, key, RUN1, RUN2)
      expect([request, journal.said, journal.results.get('a')]).toEqual(['{}', 0, '1'])
      await store.append(key, logged(2, ['b'], { owner: RUN2, said: 2 }))
      expect((await claimed(store, key, RUN2, RUN3)).journal.said).toBe(2)
    },
  },
  'such a once has the number of the last message that the log has, unless the log has a later one': {
    async run({ store, key }) {
      await store.append(key, append(1, ['a', 'b'], { register: { ...call, request: '{}' } }))
      expect(await store.keep(key, once('a', '1', { said: 2 }))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('b', '2', { said: 1 }))).toEqual({ status: 'ok' })
      const { journal } = await claimed(store, key, RUN1, RUN2)
      expect(journal.said).toBe(2)
    },
  },
  'a call that registered as others do is durable from its first durable append on': {
    async run({ store, key }) {
      await store.append(key, append(1, ['a'], { register: { ...call, request: '{}' } }))
      await store.append(key, logged(2, ['b'], { said: 2, durableAsks: [ask('q1')] }))
      const { request, journal } = await claimed(store, key, RUN1, RUN2)
      expect([request, journal.said, journal.asks.get('key-q1')?.id]).toEqual(['{}', 2, 'q1'])
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'ok', owner: RUN2 })
    },
  },
  'an ask is found by its key, as its first run made it': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1'), ask('q2', 2 * MINUTE))
      // A repeat, whose reply was lost: the deadline stays.
      await asking({ store, key }, { ...ask('q1', 5 * MINUTE), digest: 'other' }, ask('q2'))
      await store.answer(key, 'q1', 'yes')
      const { journal, asks } = await claimed(store, key, RUN1, RUN2)
      expect([...asks].sort()).toEqual(['q1', 'q2'])
      expect(journal.answers).toEqual(new Map([['q1', 'yes']]))
      expect(journal.asks.get('key-q1')).toMatchObject({ id: 'q1', digest: 'digest-q1' })
      expect(journal.asks.get('key-q2')).toMatchObject({ id: 'q2', digest: 'digest-q2' })
      expect(journal.asks.get('key-q1')?.due).toBeLessThanOrEqual(MINUTE)
      expect(journal.asks.get('key-q2')?.due).toBeGreaterThan(MINUTE)
    },
  },
  'an ask is not closed before its deadline, and is never answered after that': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1'), ask('q2', 30))
      expect(await store.closeAsk(key, 'q1')).toBeUndefined()
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'ok' })
      expect(await store.closeAsk(key, 'q1')).toBe('yes')
      await until(async () => (await store.closeAsk(key, 'q2')) === TIMED_OUT)
      expect(await store.answer(key, 'q2', 'yes')).toMatchObject({ status: 'late' })
      expect(await store.closeAsk(key, 'q2')).toBe(TIMED_OUT)
      const { answers } = (await claimed(store, key, RUN1, RUN2)).journal
      expect(answers.get('q2')).toBe(TIMED_OUT)
    },
  },
  'an answer that comes after the deadline, and before anybody wrote that, is the answer': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1', 0))
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'ok' })
      expect(await store.closeAsk(key, 'q1')).toBe('yes')
      expect((await claimed(store, key, RUN1, RUN2)).journal.answers).toEqual(new Map([['q1', 'yes']]))
    },
  },
  'a deadline that a claim found passed stays so for each later run': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1', 0), ask('q2'))
      const first = (await claimed(store, key, RUN1, RUN2)).journal
      expect(first.answers).toEqual(new Map([['q1', TIMED_OUT]]))
      expect(first.asks.get('key-q1')?.due).toBeLessThanOrEqual(0)
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'late' })
      expect((await claimed(store, key, RUN2, RUN3)).journal.answers).toEqual(first.answers)
    },
  },
  'a deadline is never beyond the end of the session': {
    async run({ store, key }) {
      const short = `${key}-short`
      await store.createSession(short, 'r', MINUTE, undefined, 2 * MINUTE)
      await asking({ store, key: short }, ask('q1', 60 * MINUTE))
      const { asks } = (await claimed(store, short, RUN1, RUN2)).journal
      expect(asks.get('key-q1')?.due).toBeLessThanOrEqual(2 * MINUTE)
    },
  },
  'a journal lives as long as its run looks': {
    options: { lifetimes: { open: 600 } },
    async run({ store, key }) {
      await asking({ store, key }, ask('q1'))
      await store.keep(key, once('a', '1'))
      const end = Date.now() + 1_300
      await until(async () => {
        await store.lookCall(key, 'S', RUN1, ['q1'], MINUTE, MINUTE, true)
        return Date.now() > end
      })
      const { journal } = await claimed(store, key, RUN1, RUN2)
      expect([journal.results.get('a'), journal.asks.get('key-q1')?.id]).toEqual(['1', 'q1'])
    },
  },
  'a run that looks gets a deadline that has passed': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1', 0))
      await store.closeAsk(key, 'q1')
      const look = await store.lookCall(key, 'S', RUN1, ['q1'], MINUTE, MINUTE, true)
      expect(look).toMatchObject({ status: 'ok', answers: new Map([['q1', TIMED_OUT]]) })
    },
  },
  'a call that has ended has no journal, and its stream begins none': {
    async run({ store, key }) {
      await asking({ store, key }, ask('q1'))
      await store.keep(key, once('a', '1'))
      await store.append(key, logged(2, ['z'], { final: true, forget: ['q1'] }))
      expect(await store.keep(key, once('b', '1'))).toEqual({ status: 'lost' })
      expect(await store.keep(key, once('b', '1', { register: durable }))).toEqual({ status: 'lost' })
      expect(await store.claim(key, 'S', RUN1, RUN2)).toEqual({ status: 'over' })
      expect(await store.closeAsk(key, 'q1')).toBeUndefined()
    },
  },
  'a session that has ended keeps nothing': {
    async run({ store, key }) {
      await store.register(key, durable)
      await store.deleteSession(key)
      expect(await store.keep(key, once('a', '1', { register: durable }))).toEqual({ status: 'gone' })
    },
  },
} satisfies Record<string, Scenario>

export const journalBounds = {
  'a journal has so many entries': {
    async run({ store, key }) {
      await store.register(key, durable)
      const names = Array.from({ length: JOURNAL_ENTRIES - 1 }, (_, i) => `n${i}`)
      await Promise.all(names.map((name) => store.keep(key, once(name, '1'))))
      expect(await store.keep(key, once('single', '', { step: 'begin' }))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('more', '1'))).toEqual({ status: 'full' })
      expect(await store.keep(key, once('more', '', { step: 'begin' }))).toEqual({ status: 'full' })
      // What has begun may end.
      expect(await store.keep(key, once('single', '1'))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('more', '1'))).toEqual({ status: 'full' })
    },
  },
  'a journal has so many bytes': {
    async run({ store, key }) {
      await store.register(key, durable)
      const value = 'x'.repeat(JOURNAL_BYTES - 101)
      expect(await store.keep(key, once('a', value))).toEqual({ status: 'ok' })
      expect(await store.keep(key, once('b', 'x'.repeat(100)))).toEqual({ status: 'full' })
      expect(await store.keep(key, once('b', 'x'.repeat(99)))).toEqual({ status: 'ok' })
    },
  },
  'a journal counts among the bytes of its session, until its call ends': {
    options: { sessionBytes: 300_000 },
    async run({ store, key }) {
      await store.register(key, durable)
      expect(await store.keep(key, once('a', 'x'.repeat(200_000)))).toEqual({ status: 'ok' })
      const other = { ...durable, id: 'n:2', stream: 'T' }
      const second = once('a', 'x'.repeat(200_000), { stream: 'T' })
      expect(await store.keep(key, { ...second, register: other })).toEqual({ status: 'full' })
      expect(await store.endCall(key, { stream: 'S', owner: RUN1, mark: true, durable: true })).toMatchObject({
        status: 'ok',
      })
      expect(await store.keep(key, second)).toEqual({ status: 'ok' })
    },
  },
} satisfies Record<string, Scenario>

/** Defines a test for each. */
export function define(title: string, make: MakeStore, scenarios: Record<string, Scenario>): void {
  for (const [name, { options, run }] of Object.entries(scenarios)) {
    describe(title, () => {
      const f = fixture(make, options)
      test(name, () => run(f))
    })
  }
}
