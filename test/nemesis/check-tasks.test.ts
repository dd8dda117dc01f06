/** Each property of tasks refuses a history in which it does not hold, and accepts the one beside it. */
import { expect, test } from 'vitest'
import { check } from './check/check.ts'
import type { Entry, Fault, History, Session } from './history.ts'
import { LIMITS } from './nemesis.ts'
import type { Probe, Seen, Task } from './task-history.ts'

const SESSION: Session = {
  ...{ session: 's', revision: '2025-11-25', key: 'key', sent: 0, opened: 10, used: 10, missed: 0 },
  ...{ subscriptions: [], updates: [], foreign: [], odd: [] },
}
const RESULT = { sent: 8_950, at: 9_000, kind: 'result', text: 'the result', run: 'a.1/t1' } as const
const seen = (status: string, at: number, text = '', last = at - 10): Seen => ({
  by: 'get',
  sent: at - 10,
  at,
  last,
  status,
  text,
})
const DONE = seen('completed', 9_000, '{"status":"completed"}')
const TASK: Task = {
  ...{ call: 's#1', session: 's', era: 'stateless', tool: 'task', ends: 'well', steps: 0, asks: 1, sent: 1_000 },
  ...{ answers: [], probes: [], unlisted: [], seen: [seen('working', 1_500), DONE], outcomes: [RESULT] },
  made: { at: 1_100, id: 'id', ttl: 60_000 },
  end: { at: 9_000, kind: 'ended' },
}

type Part = Partial<Entry> & Pick<Entry, 'e'>
const entry = (run: string, at: number, part: Part): Entry => ({
  ...{ at, process: run.split('/')[0] ?? '', call: 's#1', session: 's', run },
  ...part,
})
const effects = (run: string, at: number, ns = [1, 2, 3, 0]): Entry[] =>
  ns.flatMap((n) => [entry(run, at, { e: 'effect', n }), entry(run, at + 1, { e: 'kept', n })])
const begin = (run: string, at: number) => entry(run, at, { e: 'begin' })
const end = (run: string, at: number) => entry(run, at, { e: 'end' })
const FIRST = [begin('a.1/t1', 1_100), ...effects('a.1/t1', 1_200), end('a.1/t1', 8_900)]
const fault = (kind: Fault['kind'], process: string, from: number, to: number): Fault => ({ kind, process, from, to })
const failover: Fault = { ...fault('redis failover', '', 1_000, 9_500), lost: { from: 1_000, to: 9_200 } }
const killed = fault('kill', 'a.1', 2_000, 3_000)
const inSession = { era: 'session' } as const
const fragile: Partial<Task> = { tool: 'task_fragile', outcomes: [] }

interface Parts {
  task?: Partial<Task>
  session?: Partial<Session>
  ledger?: Entry[]
  faults?: Fault[]
}

function propertiesOf({ task = {}, session = {}, ledger = FIRST, faults = [] }: Parts): string[] {
  const history: History = {
    ...{ seed: 1, limits: LIMITS, faults, ledger, calls: [], exits: [], errors: [] },
    sessions: [{ ...SESSION, ...session }],
    tasks: [{ ...TASK, ...task }],
  }
  return [...new Set(check(history).map(({ property }) => property))]
}

test('a task that completed is fine', () => expect(propertiesOf({})).toEqual([]))

const probe = (code: number | undefined, status = 200): Probe => ({
  ...{ how: 'tasks/get', sent: 2_000, at: 2_010, status, text: '' },
  ...(code !== undefined && { code }),
})
const lost: Partial<Task> = {
  outcomes: [
    { ...RESULT, kind: 'error', text: 'The instance that ran this task was lost, or its time was over', code: -32_603 },
  ],
  seen: [seen('failed', 9_000, 'x')],
}
const cancelled = { cancel: { sent: 1_900, acknowledged: 2_000 }, outcomes: [] }
const replaced = [begin('a.1/t1', 1_100), begin('b.1/t1', 6_000), ...effects('b.1/t1', 6_100), end('b.1/t1', 8_900)]
const byReplacer = { outcomes: [{ ...RESULT, run: 'b.1/t1' }] }
const answered = { answers: [{ key: 'ask-1', value: 'ask-1:s#1', sent: 1_800, acknowledged: 2_000 }] }

test.each<[property: string, broken: Parts, kept: Parts]>([
  [
    'no task hangs',
    { task: { end: { at: 80_000, kind: 'hung' } } },
    { task: { end: { at: 9_000, kind: 'not made' } } },
  ],
  ['no task hangs', { task: { stuck: { at: 30_000 } } }, {}],
  [
    'no task is lost',
    { task: { seen: [seen('unknown', 3_000)], end: { at: 3_000, kind: 'gone' } } },
    { task: { seen: [seen('unknown', 3_000)], end: { at: 3_000, kind: 'gone' } }, faults: [failover] },
  ],
  ['no task is lost', { task: { seen: [seen('unknown', 3_000)] } }, { task: { seen: [seen('unknown', 70_000)] } }],
  [
    'no task is lost',
    { task: { ...inSession, unlisted: [{ sent: 2_000, at: 2_010 }] } },
    { task: { ...inSession, unlisted: [{ sent: 2_000, at: 2_010 }] }, session: { deletion: { sent: 2_005 } } },
  ],
  [
    'an ended task stays as it is',
    { task: { seen: [DONE, seen('working', 9_500)] } },
    { task: { seen: [DONE, seen('working', 9_005)] } },
  ],
  [
    'an ended task stays as it is',
    { task: { seen: [DONE, seen('completed', 9_500, 'other')] } },
    { task: { seen: [DONE, seen('completed', 9_500, 'other')] }, faults: [failover] },
  ],
  ['an ended task stays as it is', { task: { outcomes: [RESULT, { ...RESULT, at: 9_500, text: 'other' }] } }, {}],
  [
    'nobody sees the task of another',
    { task: { probes: [probe(undefined)] } },
    { task: { probes: [probe(-32_602), probe(undefined, 404)] } },
  ],
  [
    'only its client cancels a task',
    { task: { seen: [seen('cancelled', 9_000, 'x')], outcomes: [] } },
    { task: { ...cancelled, seen: [seen('cancelled', 9_000, 'x')] } },
  ],
  [
    'a cancelled task ends at once',
    { task: { ...cancelled, seen: [seen('working', 2_500)] } },
    { task: { ...cancelled, seen: [seen('working', 2_005)] } },
  ],
  [
    'answers reach their ask',
    { ledger: [...FIRST, entry('a.1/t1', 1_300, { e: 'answered', n: 1, value: 'late ask-1:s#1' })] },
    { ledger: [...FIRST, entry('a.1/t1', 1_300, { e: 'answered', n: 1, value: 'ask-1:s#1' })] },
  ],
  [
    'an acknowledged answer is not lost',
    { task: { ...answered, seen: [seen('input_required', 1_700, 'ask-1', 2_100), DONE] } },
    { task: { ...answered, seen: [seen('input_required', 1_700, 'ask-1', 1_990), DONE] } },
  ],
  [
    'results are true',
    { task: { outcomes: [{ ...RESULT, kind: 'wrong' }] } },
    { task: { ends: 'wrong', outcomes: [{ ...RESULT, kind: 'wrong' }] } },
  ],
  [
    'results are true',
    { task: { ...inSession, ends: 'wrong', outcomes: [{ ...RESULT, kind: 'wrong' }] } },
    {
      task: {
        ...inSession,
        ends: 'wrong',
        outcomes: [{ ...RESULT, kind: 'wrong' }],
        seen: [seen('failed', 9_000, 'x')],
      },
    },
  ],
  ['results are true', { ledger: FIRST.filter(({ n }) => n !== 2) }, {}],
  ['results are true', { ledger: FIRST.filter(({ e }) => e !== 'end') }, {}],
  [
    'only lost runs are taken over',
    { ledger: replaced, task: byReplacer },
    { ledger: replaced, task: byReplacer, faults: [killed] },
  ],
  ['effects happen once', { ledger: [...FIRST, ...effects('a.1/t1', 5_000, [2])] }, {}],
  [
    'effects happen once',
    {
      ledger: [begin('a.1/t1', 1_100), entry('a.1/t1', 1_900, { e: 'effect', n: 0 }), ...replaced.slice(1)],
      task: byReplacer,
      faults: [killed],
    },
    {
      ledger: [begin('a.1/t1', 1_100), entry('a.1/t1', 1_900, { e: 'effect', n: 1 }), ...replaced.slice(1)],
      task: byReplacer,
      faults: [killed],
    },
  ],
  [
    'effects happen once',
    { task: fragile, ledger: [begin('a.1/t1', 1_100), begin('b.1/t1', 6_000)], faults: [killed] },
    { task: fragile, ledger: [begin('a.1/t1', 1_100)] },
  ],
  [
    'what is over is not run',
    { task: { ...cancelled, seen: [seen('cancelled', 9_000, 'x')] }, ledger: [begin('a.1/t1', 6_000)] },
    { task: { ...cancelled, seen: [seen('cancelled', 9_000, 'x')] }, ledger: [begin('a.1/t1', 1_950)] },
  ],
  [
    'what is over is not run',
    {
      task: { ...inSession, outcomes: [] },
      session: { deletion: { sent: 1_000, acknowledged: 1_010 } },
      ledger: [begin('a.1/t1', 6_000)],
    },
    { task: inSession, session: { deletion: { sent: 9_100, acknowledged: 9_200 } } },
  ],
  [
    'what is refused is not done',
    { task: { refused: { at: 1_500, status: 503, text: '' }, outcomes: [] } },
    { task: { refused: { at: 1_500, status: 503, text: '' }, outcomes: [] }, ledger: [] },
  ],
  ['errors have a cause', { task: lost }, { task: lost, faults: [killed] }],
])('%s (%#)', (property, broken, kept) => {
  expect(propertiesOf(broken)).toContain(property)
  expect(propertiesOf(kept)).toEqual([])
})
