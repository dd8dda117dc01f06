/** Suspended calls: nobody runs them, and none is forgotten. */
import { expect } from 'vitest'
import type { CancelReply } from '../../../lib/store/calls.ts'
import { MAX_SUSPENDED, TIMED_OUT } from '../../../lib/store/journal.ts'
import {
  ask,
  asking,
  claimed,
  durable,
  journalOf,
  logged,
  once,
  pollOf,
  RUN1,
  RUN2,
  RUN3,
  type Scenario,
  suspended,
} from './scenario.ts'
import { call, MINUTE, until } from './support.ts'

const DUE = { status: 'due' }

/** The parts of calls that are not suspended expire in a shorter time than this. */
const longerThanOthers = () => new Promise((resolve) => setTimeout(resolve, 800))

export const suspendedScenarios = {
  'nobody runs a suspended call, and each reply about it reports that': {
    async run(f) {
      const { store, key } = f
      await store.setLevel(key, 'warning')
      await suspended(f, ask('q1'))
      const reply = await pollOf(f)
      expect(reply).toMatchObject({ status: 'suspended', entries: [{ n: 1, data: 'ask q1' }], level: 'warning' })
      expect(await store.poll(key, 'S', { n: 1, tag: 't1' })).toMatchObject({ status: 'suspended', entries: [] })
      expect(await store.look(key, 'S', 'i1:c1', { n: 1, tag: '' }, MINUTE)).toMatchObject({
        owner: '',
        suspended: true,
      })
      expect(await store.calls(key)).toEqual([{ id: 'n:1', stream: 'S', owner: '', holder: 'i1:c1', suspended: true }])
      expect(await store.take(key, 'S', 'i2:c2', undefined)).toMatchObject({ owner: '', suspended: true })
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'suspended' })
    },
  },
  'the run that has suspended its call can do nothing more': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      expect(await store.append(key, logged(2, ['x']))).toMatchObject({ status: 'lost' })
      expect(await store.append(key, logged(2, ['z'], { final: true }))).toMatchObject({ status: 'lost' })
      expect(await store.keep(key, once('a', '1'))).toEqual({ status: 'lost' })
      expect(await store.endCall(key, { stream: 'S', owner: RUN1, mark: true, durable: true })).toEqual({
        status: 'lost',
      })
      expect(await store.lookCall(key, 'S', RUN1, ['q1'], MINUTE, MINUTE, true)).toEqual({ status: 'lost' })
      // The library sends it again: its first reply was lost.
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'] })).toEqual({ status: 'lost' })
      expect(await pollOf(f)).toMatchObject({ status: 'suspended' })
    },
  },
  'a run whose ask was answered before is not suspended': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1'), ask('q2'))
      await store.answer(key, 'q1', 'yes')
      const news = { status: 'news', answers: new Map([['q1', 'yes']]) }
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1', 'q2'] })).toEqual(news)
      expect(await store.append(key, logged(3, ['x']))).toMatchObject({ status: 'ok' })
      expect(await pollOf(f)).toEqual(DUE)
    },
  },
  'a run whose ask has no time left is not suspended, and its end of time is not a fact yet': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1', 0))
      const asks = ['q1']
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks })).toEqual({
        status: 'news',
        answers: new Map(),
      })
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'ok', owner: RUN1 })
    },
  },
  'a run that waits for nothing, or for an ask that nobody can answer, is not suspended': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1'))
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: [] })).toMatchObject({ status: 'news' })
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q9'] })).toMatchObject({ status: 'news' })
    },
  },
  'a cancelled run is not suspended': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1'))
      await store.cancel(key, 'n:1')
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'] })).toEqual({ status: 'cancelled' })
      expect(await store.endCall(key, { stream: 'S', owner: RUN1, mark: true, durable: true })).toMatchObject({
        status: 'ok',
        cancelled: true,
      })
    },
  },
  'a run that has lost its call cannot suspend it': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1'))
      await store.claim(key, 'S', RUN1, RUN2)
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'] })).toEqual({ status: 'lost' })
      expect(await store.append(key, logged(2, ['x'], { owner: RUN2 }))).toMatchObject({ status: 'ok' })
    },
  },
  'a call that is not durable is not suspended': {
    async run({ store, key }) {
      await store.append(key, { ...logged(1, ['a'], { register: call, asks: ['q1'] }), durable: false })
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'] })).toEqual({ status: 'full' })
      expect(await store.append(key, { ...logged(2, ['b']), durable: false })).toMatchObject({ status: 'ok' })
    },
  },
  'the answer and the claim are one step, and the reply has all that the run needs': {
    async run(f) {
      const { store, key } = f
      await store.keep(key, once('a', '1', { register: durable }))
      await asking(f, ask('q1'), ask('q2'))
      await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1', 'q2'], note: 'n' })
      const reply = await store.answer(key, 'q1', 'yes', RUN2)
      expect(reply).toMatchObject({ status: 'ok', owner: RUN2 })
      const taken = 'taken' in reply ? reply.taken : undefined
      expect(taken).toMatchObject({ stream: 'S', id: 'n:1', request: durable.request, cancelled: false, end: 2 })
      const journal = journalOf(taken ?? {})
      expect(journal.answers).toEqual(new Map([['q1', 'yes']]))
      expect(journal.results).toEqual(new Map([['a', '1']]))
      expect(journal.slept).toBeGreaterThanOrEqual(0)
      expect(journal.note).toBe('n')
      // The library sends it again: the taker gets the call again.
      expect(await store.answer(key, 'q1', 'yes', RUN2)).toMatchObject({ status: 'ok', owner: RUN2, taken: { end: 2 } })
      expect(await store.append(key, logged(3, ['x'], { owner: RUN2 }))).toMatchObject({ status: 'ok' })
      expect(await pollOf(f)).toEqual(DUE)
    },
  },
  'of two answers at once one takes the call, and the other is stored for its run': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'), ask('q2'))
      const replies = await Promise.all([store.answer(key, 'q1', 'a', RUN2), store.answer(key, 'q2', 'b', RUN3)])
      const taken = replies.filter((reply) => 'taken' in reply && reply.taken !== undefined)
      expect(taken).toHaveLength(1)
      const owners = new Set(replies.map((reply) => 'owner' in reply && reply.owner))
      expect(owners.size).toBe(1)
      const [owner = ''] = [...owners].map(String)
      expect(await store.lookCall(key, 'S', owner, ['q1', 'q2'], MINUTE, MINUTE, true)).toMatchObject({
        answers: new Map([
          ['q1', 'a'],
          ['q2', 'b'],
        ]),
      })
    },
  },
  'an answer that nobody takes the call with is found by the next poll': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      expect(await store.answer(key, 'q1', 'yes')).toEqual({ status: 'ok', owner: '' })
      expect(await pollOf(f)).toEqual(DUE)
      expect(await store.calls(key)).toEqual([{ id: 'n:1', stream: 'S', owner: '', holder: 'i1:c1' }])
      const take = await store.take(key, 'S', 'i2:c2', { n: 1, tag: '' })
      expect(take).toMatchObject({ status: 'ok', owner: '' })
      expect('suspended' in take && take.suspended).toBeFalsy()
      const { answers } = (await claimed(store, key, '', RUN2)).journal
      expect(answers).toEqual(new Map([['q1', 'yes']]))
      expect(await store.claim(key, 'S', '', RUN3)).toEqual({ status: 'lost' })
    },
  },
  'a late answer takes the call where the first one woke nobody': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      await store.answer(key, 'q1', 'yes')
      const reply = await store.answer(key, 'q1', 'no', RUN2)
      expect(reply).toMatchObject({ status: 'late', owner: RUN2, taken: { stream: 'S' } })
      expect(await store.closeAsk(key, 'q1')).toBe('yes')
    },
  },
  'asks that the call does not wait for make it no due one': {
    async run(f) {
      const { store, key } = f
      await asking(f, ask('q1'), ask('q2'), ask('q3', 0))
      await store.answer(key, 'q1', 'yes')
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q2'] })).toMatchObject({ status: 'ok' })
      expect(await store.answer(key, 'q1', 'yes', RUN2)).toEqual({ status: 'ok', owner: '' })
      expect(await store.answer(key, 'q3', 'yes', RUN2)).toEqual({ status: 'ok', owner: '' })
      expect(await pollOf(f)).toMatchObject({ status: 'suspended' })
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'suspended' })
      expect(await store.answer(key, 'q2', 'yes', RUN2)).toMatchObject({ owner: RUN2, taken: { stream: 'S' } })
    },
  },
  'a call whose ask has no time left is due, and the claim makes that a fact': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1', 400), ask('q2'))
      await until(async () => (await pollOf(f)).status === 'due')
      const { answers } = (await claimed(store, key, '', RUN2)).journal
      expect(answers).toEqual(new Map([['q1', TIMED_OUT]]))
      expect(await store.answer(key, 'q1', 'yes')).toMatchObject({ status: 'late' })
    },
  },
  'a call that is due is claimed by one of several runs': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      await store.answer(key, 'q1', 'yes')
      const claims = await Promise.all([RUN2, RUN3, 'i4:run4'].map((owner) => store.claim(key, 'S', '', owner)))
      expect(claims.map(({ status }) => status).sort()).toEqual(['lost', 'lost', 'ok'])
    },
  },
  'a suspended call is claimed although nothing is due where it is to be ended': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'suspended' })
      expect(await store.claim(key, 'S', '', RUN2, true)).toMatchObject({ status: 'ok', asks: ['q1'], end: 1 })
      expect(await pollOf(f)).toEqual(DUE)
      await store.append(key, logged(2, ['z'], { owner: RUN2, final: true, forget: ['q1'] }))
      expect(await store.calls(key)).toEqual([])
    },
  },
  'a run that goes on is suspended again, and waits for what is left': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'), ask('q2'))
      await store.answer(key, 'q1', 'yes', RUN2)
      expect(await store.suspend(key, { stream: 'S', owner: RUN2, asks: ['q2'] })).toMatchObject({ status: 'ok' })
      expect(await pollOf(f)).toMatchObject({ status: 'suspended' })
      expect(await store.answer(key, 'q2', 'no', RUN3)).toMatchObject({ owner: RUN3, taken: { stream: 'S' } })
      await store.append(key, logged(3, ['z'], { owner: RUN3, final: true, forget: ['q1', 'q2'] }))
      expect(await store.answer(key, 'q2', 'no', RUN3)).toEqual({ status: 'unknown' })
      expect((await store.readLog(key, 'S')).map(({ n }) => n)).toEqual([1, 2, 3])
    },
  },
  'the cancel of a suspended call ends it in the same step': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      const ended = { status: 'ended', holder: 'i1:c1', stream: 'S' }
      expect(await store.cancel(key, 'n:1')).toEqual(ended)
      expect(await store.cancel(key, 'n:1')).toEqual(ended)
      expect(await store.answer(key, 'q1', 'yes', RUN2)).toEqual({ status: 'unknown' })
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'over' })
      expect(await pollOf(f)).toEqual(DUE)
      expect(await store.take(key, 'S', 'i2:c2', { n: 1, tag: '' })).toMatchObject({
        ended: true,
        entries: [{ n: 2, data: '', final: true }],
      })
      expect(await store.calls(key)).toEqual([])
    },
  },
  'a call that runs again is cancelled as others are': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      await store.answer(key, 'q1', 'yes', RUN2)
      expect(await store.cancel(key, 'n:1')).toEqual({ status: 'ok', owner: RUN2, stream: 'S' })
      expect(await store.append(key, logged(2, ['z'], { owner: RUN2, final: true }))).toMatchObject({
        status: 'cancelled',
      })
    },
  },
  'of an answer and a cancel at once the first one decides, and the call ends': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      // Both are under way at once, the cancel in the middle of the answer. Which of them comes first is for the store to decide.
      const cancelled = Promise.withResolvers<CancelReply>()
      const cancel = async () => void store.cancel(key, 'n:1').then(cancelled.resolve, cancelled.reject)
      const answer = await store.answer(key, 'q1', 'yes', RUN2, cancel)
      if (answer.status === 'unknown') {
        expect(await cancelled.promise).toEqual({ status: 'ended', holder: 'i1:c1', stream: 'S' })
        expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'over' })
        return
      }
      expect(answer).toMatchObject({ owner: RUN2, taken: { cancelled: false } })
      expect(await cancelled.promise).toEqual({ status: 'ok', owner: RUN2, stream: 'S' })
      expect(await store.append(key, logged(2, ['x'], { owner: RUN2 }))).toMatchObject({ status: 'cancelled' })
      const end = { stream: 'S', owner: RUN2, mark: true, durable: true, forget: ['q1'] }
      expect(await store.endCall(key, end)).toMatchObject({ status: 'ok', cancelled: true })
    },
  },
  'as many calls of a session are suspended as may be': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      const other = { ...durable, id: 'n:2', stream: 'T' }
      await store.append(key, logged(1, ['ask'], { stream: 'T', register: other, durableAsks: [ask('q2')] }))
      const second = { stream: 'T', owner: RUN1, asks: ['q2'] }
      expect(await store.suspend(key, { ...second, max: 1 })).toEqual({ status: 'full' })
      expect(await store.lookCall(key, 'T', RUN1, [], MINUTE, MINUTE, true)).toMatchObject({ status: 'ok' })
      expect(MAX_SUSPENDED).toBeGreaterThan(1)
      // The first one runs again: it is none of them.
      await store.answer(key, 'q1', 'yes', RUN2)
      expect(await store.suspend(key, { ...second, max: 1 })).toMatchObject({ status: 'ok' })
    },
  },
  'a poll has a position in the log, and a note': {
    options: { log: { messages: 2 } },
    async run(f) {
      const { store, key } = f
      await store.append(key, logged(1, ['a', 'b', 'c'], { register: durable, durableAsks: [ask('q1')] }))
      await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'], note: '{"progress":1}' })
      const poll = (n: number, tag: string) => store.poll(key, 'S', { n, tag })
      expect(await poll(2, 't1')).toMatchObject({ status: 'suspended', entries: [{ n: 3 }], note: '{"progress":1}' })
      expect(await poll(2, 't2')).toEqual({ status: 'beyond' })
      expect(await poll(4, 't1')).toEqual({ status: 'beyond' })
      expect(await poll(0, '')).toEqual({ status: 'trimmed' })
    },
  },
  'a poll of another call, and of none, attends': {
    async run(f) {
      const { store, key } = f
      expect(await pollOf(f)).toEqual(DUE)
      await asking(f, ask('q1'))
      expect(await pollOf(f)).toEqual(DUE)
      await store.releaseCall(key, 'S', RUN1)
      expect(await pollOf(f)).toEqual(DUE)
    },
  },
  'a session that has ended has no suspended calls': {
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1'))
      expect(await store.deleteSession(key)).toEqual({ status: 'ok', holders: ['i1:c1'], owners: [] })
      expect(await store.deleteSession(key)).toEqual({ status: 'repeated', holders: ['i1:c1'], owners: [] })
      expect(await pollOf(f)).toEqual({ status: 'gone' })
      expect(await store.answer(key, 'q1', 'yes', RUN2)).toEqual({ status: 'unknown' })
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'gone' })
      expect(await store.suspend(key, { stream: 'S', owner: RUN1, asks: ['q1'] })).toEqual({ status: 'gone' })
    },
  },
  'a suspended call lives until its last deadline, whatever else the session does': {
    options: { lifetimes: { open: 500, ended: 100 } },
    async run(f) {
      const { store, key } = f
      await store.keep(key, once('a', '1', { register: { ...durable, holder: 'i1:c1' } }))
      await suspended(f, ask('q1', MINUTE))
      const other = { ...durable, id: 'n:2', stream: 'T' }
      await store.append(key, logged(1, ['z'], { stream: 'T', register: other, final: true }))
      await longerThanOthers()
      await store.register(key, { ...call, id: 'n:3', stream: 'U' })
      const reply = await store.answer(key, 'q1', 'yes', RUN2)
      expect(reply).toMatchObject({ status: 'ok', owner: RUN2, taken: { request: durable.request, end: 1 } })
      const journal = journalOf(('taken' in reply && reply.taken) || {})
      expect([journal.results.get('a'), journal.asks.get('key-q1')?.id]).toEqual(['1', 'q1'])
    },
  },
  'what outlived the others is polled, claimed and cancelled': {
    options: { lifetimes: { open: 500, ended: 100 } },
    async run(f) {
      const { store, key } = f
      await suspended(f, ask('q1', MINUTE))
      await store.register(key, { ...call, id: 'n:2', stream: 'T' })
      await longerThanOthers()
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'suspended' })
      expect(await pollOf(f)).toMatchObject({ status: 'suspended', entries: [{ n: 1 }] })
      await store.register(key, { ...call, id: 'n:3', stream: 'U' })
      await longerThanOthers()
      expect(await store.cancel(key, 'n:1')).toMatchObject({ status: 'ended', stream: 'S' })
      expect(await store.claim(key, 'S', '', RUN2)).toEqual({ status: 'over' })
    },
  },
} satisfies Record<string, Scenario>
