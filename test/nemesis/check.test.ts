/** Each property refuses a history in which it does not hold, and accepts the one beside it. */
import { describe, expect, test } from 'vitest'
import { StoreUnavailable } from '../../lib/store/unavailable.ts'
import { check } from './check/check.ts'
import { countDurable, countsText } from './check/counts.ts'
import type { Call, Entry, Fault, History, Outcome, Received, Session } from './history.ts'
import { LIMITS } from './nemesis.ts'

const SESSION: Session = {
  session: 's',
  revision: '2025-11-25',
  key: 'key',
  sent: 0,
  opened: 10,
  used: 10,
  subscriptions: [],
  updates: [],
  missed: 0,
  foreign: [],
  odd: [],
}
const CALL: Call = {
  call: 's#1',
  session: 's',
  revision: '2025-11-25',
  tool: 'steps_again',
  sent: 1_000,
  steps: 0,
  asks: 0,
  received: [],
  outcomes: [{ kind: 'result', at: 9_000, run: 'a.1/1' }],
  answers: [],
  resumes: 0,
}

const run = (name: string, at: number, more: Partial<Entry>[] = [], end: number | undefined = 8_900): Entry[] => {
  const own = { process: name.split('/')[0] ?? '', call: 's#1', session: 's', run: name }
  const begin: Entry = { e: 'begin', at, ...own }
  const ends: Entry[] = end === undefined ? [] : [{ e: 'end', at: end, ...own }]
  return [begin, ...more.map((entry) => ({ e: 'effect', at: at + 1, ...own, ...entry }) as Entry), ...ends]
}
const FIRST = run('a.1/1', 1_100)
const progress = (n: number, run = 'a.1/1'): Received => ({ at: 2_000 + n, kind: 'progress', n, run })
const log = (n: number, run = 'a.1/1', sent = 1_200 + n): Received => ({ at: 2_000 + n, kind: 'log', n, run, sent })
const ask = (n: number, id: string, run = 'a.1/1'): Received => ({ at: 2_000 + n, kind: 'ask', n, run, ask: id })
const failed = (text: string): Outcome => ({ kind: 'error', at: 9_000, code: -32603, text })
const fault = (kind: Fault['kind'], process: string, from: number, to: number): Fault => ({ kind, process, from, to })
const failover: Fault = { ...fault('redis failover', '', 1_000, 9_500), lost: { from: 1_000, to: 9_200 } }

interface Parts {
  call?: Partial<Call>
  session?: Partial<Session>
  ledger?: Entry[]
  faults?: Fault[]
  more?: Partial<History>
}

function propertiesOf({ call = {}, session = {}, ledger = FIRST, faults = [], more = {} }: Parts): string[] {
  const history: History = {
    seed: 1,
    limits: LIMITS,
    faults,
    sessions: [{ ...SESSION, ...session }],
    calls: [{ ...CALL, ...call }],
    tasks: [],
    ledger,
    exits: [],
    errors: [],
    ...more,
  }
  return [...new Set(check(history).map(({ property }) => property))]
}

const rest = (more: Partial<NonNullable<History['rest']>>): Partial<History> => ({
  rest: { at: 20_000, fields: [], eternal: [], keys: [], processes: [], ...more },
})
const CLOSED = 'The session store is closed, since this instance shuts down; the session is not lost. Try again.'
const LOST = 'The instance that ran this call was lost before it was done; whether it had an effect is unknown.'
const process = { process: 'a.1', connections: 0, calls: 0, sockets: 5, heap: 30e6, before: 25e6 }
const ended = { deletion: { sent: 500, acknowledged: 600, status: 204 } }
const effect = { e: 'effect' } as const
const replaced = [...run('a.1/1', 1_100, [], undefined), ...run('b.1/1', 6_000)]
const stopped = fault('stop', 'a.1', 2_000, 6_500)
const once = { e: 'effect', uri: 'u' } as const
const announced = { e: 'announced', uri: 'u', at: 1_500 } as const
const subscribed: Partial<Session> = {
  subscriptions: [{ uri: 'u', acknowledged: 900 }],
  restful: true,
  listens: true,
}

const KILLED = fault('kill', 'a.1', 2_000, 3_000)
const DURABLE = {
  call: { tool: 'durable', outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
} as const satisfies Parts
/** A run of a durable tool with these effects, of which all but some are kept. */
const durable = (name: string, at: number, effects: number[], unkept: number[] = []): Entry[] =>
  run(
    name,
    at,
    effects.flatMap((n, i) => [
      { e: 'effect', n, at: at + 10 * i },
      ...(unkept.includes(n) ? [] : [{ e: 'kept', n, at: at + 10 * i + 5 } as const]),
    ]),
    at < 5_000 && effects.length < 3 ? undefined : 8_900,
  )
/** Two runs of which each gets the answer of its first ask: the second one that of another ask, perhaps. */
const replays = (second: string): Entry[] => [
  ...run('a.1/1', 1_100, [{ e: 'answered', n: 1, value: 'x:s#1' }, { e: 'suspended' }], undefined),
  ...run('b.1/1', 6_000, [{ e: 'answered', n: 1, value: `${second}:s#1` }]),
]

/** A history that the property refuses, and one that it accepts. */
const CASES: [property: string, what: string, bad: Parts, good: Parts][] = [
  ['one outcome', 'two responses', { call: { outcomes: [...CALL.outcomes, ...CALL.outcomes] } }, {}],
  ['one outcome', 'no outcome', { call: { outcomes: [{ kind: 'hung', at: 9_000 }] } }, { call: { outcomes: [] } }],
  [
    'one outcome',
    'a stream that ends without a response',
    { call: { outcomes: [{ kind: 'ended', at: 9_000 }] } },
    { call: { outcomes: [{ kind: 'ended', at: 9_000 }], cancel: { sent: 2_000, resumable: true } } },
  ],
  [
    'errors have a cause',
    'a living instance is said to be lost',
    { call: { outcomes: [failed(LOST)] } },
    { call: { outcomes: [failed(LOST)] }, faults: [fault('kill', 'a.1', 2_000, 3_000)] },
  ],
  [
    'errors have a cause',
    'a living instance is said to be lost since Redis was away for all',
    { call: { outcomes: [failed(LOST)] }, faults: [fault('redis pause', '', 2_000, 8_000)] },
    { call: { outcomes: [failed(LOST)] }, faults: [stopped] },
  ],
  [
    'errors have a cause',
    'a store that answers is said to be away',
    { call: { outcomes: [failed('The store did not answer; try again.')] } },
    {
      call: { outcomes: [failed('The store did not answer; try again.')] },
      faults: [fault('redis kill', '', 2_000, 3_000)],
    },
  ],
  ...(['away', 'full', 'loading', 'readonly', 'moved'] as const).map((trouble): (typeof CASES)[number] => {
    const { predicate } = new StoreUnavailable('', { trouble })
    const call = { outcomes: [failed(`The store ${predicate}; the call was given up.`)] }
    return [
      'errors have a cause',
      `the store ${predicate}, and no fault explains it`,
      { call },
      { call, faults: [fault('redis kill', '', 2_000, 8_500)] },
    ]
  }),
  [
    'errors have a cause',
    'an error that nothing explains',
    { call: { outcomes: [failed('Request id 1 is in use by another call of this session.')] }, faults: [stopped] },
    {},
  ],
  [
    'errors have a cause',
    'a client that answered in time is said not to have answered',
    {
      call: {
        tool: 'durable',
        received: [ask(1, 'x', '')],
        answers: [{ ask: 'x', value: 'x:s#1', sent: 2_000, acknowledged: 2_100 }],
        outcomes: [failed('elicitation/create: the client did not answer within 25000 ms.')],
      },
      ledger: run('a.1/1', 1_100, [{ e: 'asked', n: 1 }]),
      faults: [stopped],
    },
    {
      call: {
        tool: 'durable',
        received: [ask(1, 'x', '')],
        answers: [{ ask: 'x', value: 'x:s#1', sent: 2_000, acknowledged: 26_700 }],
        outcomes: [failed('elicitation/create: the client did not answer within 25000 ms.')],
      },
      ledger: run('a.1/1', 1_100, [{ e: 'asked', n: 1 }]),
      faults: [stopped],
    },
  ],
  [
    'errors have a cause',
    'an instance that lives on is said to shut down',
    { call: { outcomes: [{ kind: 'refused', status: 503, at: 1_500, text: CLOSED }] } },
    {
      call: { outcomes: [{ kind: 'refused', status: 503, at: 1_500, text: CLOSED }] },
      faults: [fault('drain', 'b.1', 1_000, 1_400)],
    },
  ],
  [
    'errors have a cause',
    '503 without trouble',
    { call: { outcomes: [{ kind: 'refused', status: 503, at: 1_500 }] } },
    {
      call: { outcomes: [{ kind: 'refused', status: 503, at: 1_500 }] },
      faults: [fault('redis full', '', 900, 1_600)],
    },
  ],
  [
    'progress grows',
    'progress goes back',
    { call: { received: [progress(1), progress(2), progress(1)] } },
    { call: { received: [progress(1), progress(2)] } },
  ],
  [
    'progress grows',
    'a hole',
    { call: { received: [progress(1), progress(3)] } },
    { call: { received: [progress(1)] } },
  ],
  [
    'progress grows',
    'a result before the last progress',
    { call: { steps: 2, received: [progress(1), log(1), log(2)] } },
    { call: { steps: 2, received: [progress(1), log(1), progress(2), log(2)] } },
  ],
  [
    'once and in order',
    'a message twice',
    { call: { received: [log(1), log(2), log(2)] } },
    { call: { received: [log(1), log(2)] } },
  ],
  ['once and in order', 'a hole', { call: { received: [log(1), log(3)] } }, { call: { received: [log(1), log(2)] } }],
  [
    'once and in order',
    'two runs mixed',
    {
      call: { received: [log(1), log(1, 'b.1/1'), log(2)], outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: replaced,
      faults: [stopped],
    },
    {
      call: { received: [log(1), log(2), log(1, 'b.1/1')], outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: replaced,
      faults: [stopped],
    },
  ],
  [
    'once and in order',
    'a result before the last message',
    { call: { steps: 2, received: [progress(1), progress(2), log(1)] } },
    { call: { steps: 2, received: [progress(1), log(1), progress(2), log(2)] } },
  ],
  [
    'once and in order',
    'a durable call whose second run says again what the first has said',
    { ...DURABLE, call: { ...DURABLE.call, received: [log(1), log(2), log(1, 'b.1/1')] } },
    { ...DURABLE, call: { ...DURABLE.call, received: [log(1), log(2), log(3, 'b.1/1')] } },
  ],
  [
    'effects happen once',
    'two effects',
    { call: { tool: 'effect' }, ledger: run('a.1/1', 1_100, [effect, effect]) },
    { call: { tool: 'effect' }, ledger: run('a.1/1', 1_100, [effect]) },
  ],
  [
    'effects happen once',
    'a second run of a tool that must not be repeated',
    { call: { tool: 'effect' }, ledger: [...FIRST, ...run('b.1/1', 5_000, [effect, effect])], faults: [stopped] },
    { call: { tool: 'steps_again' }, ledger: [...FIRST, ...run('b.1/1', 5_000)], faults: [fault('kill', 'a.1', 0, 1)] },
  ],
  [
    'effects happen once',
    'an effect of a durable tool that was kept, and is done again after a kill',
    {
      ...DURABLE,
      ledger: [...durable('a.1/1', 1_100, [1], []), ...durable('b.1/1', 5_000, [1, 2, 3, 0])],
      faults: [KILLED],
    },
    {
      ...DURABLE,
      // The kill came before the store had it.
      ledger: [...durable('a.1/1', 1_100, [1], [1]), ...durable('b.1/1', 5_000, [1, 2, 3, 0])],
      faults: [KILLED],
    },
  ],
  [
    'effects happen once',
    'an effect of a durable tool whose process lived',
    { ...DURABLE, ledger: [...durable('a.1/1', 1_100, [1], [1]), ...durable('b.1/1', 5_000, [1, 2, 3, 0])] },
    { ...DURABLE, ledger: durable('b.1/1', 1_100, [1, 2, 3, 0]) },
  ],
  [
    'effects happen once',
    'a single effect that was not kept, and is done again after a kill',
    {
      ...DURABLE,
      ledger: [...durable('a.1/1', 1_100, [0], [0]), ...durable('b.1/1', 5_000, [1, 2, 3, 0])],
      faults: [KILLED],
    },
    {
      ...DURABLE,
      ledger: [...durable('a.1/1', 1_100, [1], []), ...durable('b.1/1', 5_000, [2, 3, 0])],
      faults: [KILLED],
    },
  ],
  [
    'effects happen once',
    'an effect of a durable tool without a session whose client lost no reply',
    {
      call: { ...DURABLE.call, revision: '2026-07-28', again: [] },
      ledger: [...durable('a.1/1', 1_100, [1]), ...durable('b.1/1', 5_000, [1, 2, 3, 0])],
    },
    {
      call: { ...DURABLE.call, revision: '2026-07-28', again: [1_050] },
      ledger: [...durable('a.1/1', 1_100, [1]), ...durable('b.1/1', 5_000, [1, 2, 3, 0])],
    },
  ],
  [
    'effects happen once',
    'an effect of a durable tool without a session that was done again more often than its client lost a reply',
    {
      call: { ...DURABLE.call, revision: '2026-07-28', again: [1_050] },
      ledger: [1, 2, 3].flatMap((n) => durable(`a.${n}/1`, 1_100 * n, [1])),
    },
    {
      call: { ...DURABLE.call, revision: '2026-07-28', again: [1_050, 2_000] },
      ledger: [1, 2, 3].flatMap((n) => durable(`a.${n}/1`, 1_100 * n, [1])),
    },
  ],
  [
    'no durable call is lost',
    'a durable call that ends with its instance',
    { call: { tool: 'durable', outcomes: [failed(LOST)] }, faults: [KILLED] },
    { call: { tool: 'steps', outcomes: [failed(LOST)] }, faults: [KILLED] },
  ],
  [
    'results are true',
    'a result of a durable tool without one of its effects',
    { ...DURABLE, ledger: durable('b.1/1', 1_100, [1, 2, 0]) },
    { ...DURABLE, ledger: durable('b.1/1', 1_100, [1, 2, 3, 0]) },
  ],
  ['results are true', 'a result without the effect', { call: { tool: 'effect' } }, {}],
  [
    'results are true',
    'a result of a run that did not end',
    { ledger: run('a.1/1', 1_100, [], undefined).slice(0, 1) },
    {},
  ],
  [
    'what is refused is not done',
    'an effect behind a 503',
    {
      call: { tool: 'effect', outcomes: [{ kind: 'refused', status: 503, at: 1_500 }] },
      ledger: run('a.1/1', 1_100, [effect]),
      faults: [fault('redis full', '', 900, 1_600)],
    },
    {
      call: { tool: 'effect', outcomes: [{ kind: 'refused', status: 503, at: 1_500 }] },
      ledger: [],
      faults: [fault('redis full', '', 900, 1_600)],
    },
  ],
  [
    'only dead runs are taken over',
    'a second run while the first lives',
    { call: { outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] }, ledger: replaced },
    { call: { outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] }, ledger: replaced, faults: [stopped] },
  ],
  [
    'only dead runs are taken over',
    'a second run of a durable call that was not suspended',
    { call: { tool: 'durable', outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] }, ledger: replaced },
    {
      call: { tool: 'durable', outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: [...run('a.1/1', 1_100, [{ e: 'suspended' }], undefined), ...run('b.1/1', 6_000)],
    },
  ],
  [
    'only dead runs are taken over',
    'a second run of a durable call that was answered, while the first has not learned of its suspension',
    {
      call: { tool: 'durable', outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: [
        ...run('a.1/1', 1_100, [{ e: 'asked' }, { e: 'abort', at: 6_100 }]).slice(0, -1),
        ...run('b.1/1', 6_000),
      ],
    },
    {
      call: { tool: 'durable', outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: [
        ...run('a.1/1', 1_100, [{ e: 'asked' }, { e: 'abort', at: 6_100 }]).slice(0, -1),
        ...run('b.1/1', 6_000),
      ],
      faults: [fault('lose reply', 'a.1', 3_000, 3_000)],
    },
  ],
  [
    'only dead runs are taken over',
    'a run that begins beside another one and has an effect',
    {
      ...DURABLE,
      ledger: [...durable('b.1/1', 1_100, [1, 2, 3, 0]), ...run('a.1/1', 6_000, [effect]).slice(0, -1)],
    },
    {
      ...DURABLE,
      // Its process stood still after its claim, and another one has taken the call over meanwhile.
      ledger: [...durable('b.1/1', 1_100, [1, 2, 3, 0]), ...run('a.1/1', 6_000, [{ e: 'abort' }]).slice(0, -1)],
      faults: [stopped],
    },
  ],
  [
    'errors have a cause',
    'a store that answers this process is said to be away',
    {
      call: { outcomes: [failed('The store did not answer; try again.')] },
      ledger: run('a.2/1', 8_000),
      faults: [fault('kill', 'a.1', 2_000, 7_000)],
    },
    {
      call: { outcomes: [failed('The store did not answer; try again.')] },
      ledger: run('a.2/1', 8_000),
      // The connection of the place leads nowhere, whichever process is there.
      faults: [fault('kill', 'a.1', 2_000, 7_000), fault('swallow store', 'a.1', 1_000, 9_000)],
    },
  ],
  [
    'a run that was replaced is shut out',
    'a message that the first run sent after the second began',
    {
      call: { received: [log(1), log(2, 'a.1/1', 7_000)], outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: replaced,
      faults: [stopped],
    },
    {
      call: { received: [log(1), log(2)], outcomes: [{ kind: 'result', at: 9_000, run: 'b.1/1' }] },
      ledger: replaced,
      faults: [stopped],
    },
  ],
  [
    'a run that was replaced is shut out',
    'the result of the first run after the second began',
    { ledger: [...run('a.1/1', 1_100, [], 7_000), ...run('b.1/1', 6_000)], faults: [stopped] },
    { ledger: [...run('a.1/1', 1_100, [], 5_000), ...run('b.1/1', 6_000)], faults: [stopped] },
  ],
  [
    'an ended session serves nothing',
    'a run after DELETE',
    { session: ended },
    { session: ended, ledger: [], call: { outcomes: [] } },
  ],
  [
    'a cancelled call has no response',
    'a response after the cancel was acknowledged',
    { call: { cancel: { sent: 2_000, acknowledged: 2_100, resumable: true } } },
    {
      call: { cancel: { sent: 2_000, acknowledged: 2_100, resumable: true } },
      ledger: run('a.1/1', 1_100, [], 2_050),
    },
  ],
  [
    'asks come once',
    'an ask twice',
    { call: { received: [ask(1, 'x'), ask(1, 'x')] } },
    { call: { received: [ask(1, 'x'), ask(2, 'y')] } },
  ],
  [
    'answers reach their ask',
    'the answer of another ask',
    {
      call: { received: [ask(1, 'x'), ask(2, 'y')] },
      ledger: run('a.1/1', 1_100, [{ e: 'answered', n: 1, value: 'y:s#1' }]),
    },
    {
      call: { received: [ask(1, 'x'), ask(2, 'y')] },
      ledger: run('a.1/1', 1_100, [{ e: 'answered', n: 1, value: 'x:s#1' }]),
    },
  ],
  [
    'asks come once',
    'a replay of a durable call that asks anew',
    { ...DURABLE, call: { ...DURABLE.call, received: [ask(1, 'x', ''), ask(1, 'y', '')] } },
    { ...DURABLE, call: { ...DURABLE.call, received: [ask(1, 'x', ''), ask(2, 'y', '')] } },
  ],
  [
    'answers reach their ask',
    'a replay of a durable call with another answer than before',
    { ...DURABLE, call: { ...DURABLE.call, received: [ask(1, 'x', ''), ask(2, 'y', '')] }, ledger: replays('y') },
    { ...DURABLE, call: { ...DURABLE.call, received: [ask(1, 'x', ''), ask(2, 'y', '')] }, ledger: replays('x') },
  ],
  [
    'an acknowledged answer is not lost',
    'the run gives up on an acknowledged answer',
    {
      call: { received: [ask(1, 'x')], answers: [{ ask: 'x', value: 'x:s#1', sent: 2_000, acknowledged: 2_100 }] },
      ledger: run('a.1/1', 1_100, [{ e: 'failed', text: 'timeout', at: 8_000 }]),
    },
    {
      call: { received: [ask(1, 'x')], answers: [{ ask: 'x', value: 'x:s#1', sent: 2_000 }] },
      ledger: run('a.1/1', 1_100, [{ e: 'failed', text: 'timeout', at: 8_000 }]),
    },
  ],
  ["nobody gets another's message", 'a foreign message', { session: { foreign: [{ at: 1, text: '{}' }] } }, {}],
  [
    'statuses are as promised',
    'a status 500',
    { session: { odd: [{ at: 1, what: 'call', status: 500, text: '' }] } },
    {},
  ],
  [
    'statuses are as promised',
    'an initialize of HTTP+SSE that has no response, though no failover lost it',
    { session: { odd: [{ at: 76_000, what: 'initialize', status: 0, text: 'no response came' }] } },
    {
      session: { odd: [{ at: 76_000, what: 'initialize', status: 0, text: 'no response came' }] },
      faults: [{ ...fault('redis failover', '', 0, 900), lost: { from: 0, to: 900 } }],
    },
  ],
  [
    'no session is lost',
    '404 for a session in use',
    { session: { used: 5_000, lost: { at: 6_000, sent: 5_990, what: 'call' } } },
    {
      session: { used: 5_000, lost: { at: 6_000, sent: 5_990, what: 'call' } },
      faults: [{ ...fault('redis failover', '', 0, 900), lost: { from: 0, to: 100 } }],
    },
  ],
  [
    'changes are heard once',
    'more updates than changes',
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once]),
      session: { updates: [1, 2].map((at) => ({ uri: 'u', at })) },
    },
    { call: { tool: 'announce' }, ledger: run('a.1/1', 1_100, [once]), session: { updates: [{ uri: 'u', at: 1 }] } },
  ],
  [
    'changes arrive',
    'a subscriber that hears nothing',
    { call: { tool: 'announce' }, ledger: run('a.1/1', 1_100, [once, announced]), session: subscribed, more: rest({}) },
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once, announced]),
      session: { ...subscribed, updates: [{ uri: 'u', at: 1_600 }] },
      more: rest({}),
    },
  ],
  [
    'changes arrive',
    'a subscriber that hears nothing of a change, which came after its subscription',
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once, announced]),
      session: { ...subscribed, subscriptions: [{ uri: 'u', acknowledged: 1_050 }] },
      more: rest({}),
    },
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once, announced]),
      session: { ...subscribed, subscriptions: [{ uri: 'u', acknowledged: 1_200 }] },
      more: rest({}),
    },
  ],
  [
    'changes arrive',
    'a subscriber without an event id, whose stream broke before the change',
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once, announced]),
      session: { ...subscribed, unread: 1_050 },
      more: rest({}),
    },
    {
      call: { tool: 'announce' },
      ledger: run('a.1/1', 1_100, [once, announced]),
      session: { ...subscribed, unread: 1_700 },
      more: rest({}),
    },
  ],
  [
    'no process ends by itself',
    'a crash',
    { more: { exits: [{ at: 1, process: 'a.1', how: '1', errors: ['TypeError'] }] } },
    {},
  ],
  ['every key has a lifetime', 'a key without one', { more: rest({ eternal: ['mcp:{key}'] }) }, { more: rest({}) }],
  [
    'an ended session leaves nothing',
    'a key after DELETE',
    {
      session: { deletion: { sent: 9_500, acknowledged: 9_600 } },
      more: rest({ keys: [{ key: 'mcp:{key}:log:x', session: 's', lifetime: 10 }] }),
    },
    { more: rest({ keys: [{ key: 'mcp:{key}:log:x', session: 's', lifetime: 10 }] }) },
  ],
  [
    'an ended session leaves nothing',
    'its bytes, counted for its client after DELETE',
    {
      session: { deletion: { sent: 9_500, acknowledged: 9_600 } },
      more: rest({ keys: [{ key: 'mcp:sizes:{client} key logs', session: 's', lifetime: 10 }] }),
    },
    { more: rest({ keys: [{ key: 'mcp:sizes:{client} key logs', lifetime: 10 }] }) },
  ],
  [
    'no field is left behind',
    'the holder of a stream whose call is over',
    { more: rest({ fields: [{ session: 's', fields: [`s:name~${Buffer.from('1').toString('base64url')}`] }] }) },
    {
      call: { outcomes: [{ kind: 'broken', at: 9_000 }] },
      more: rest({ fields: [{ session: 's', fields: [`s:name~${Buffer.from('1').toString('base64url')}`] }] }),
    },
  ],
  [
    'an instance keeps nothing',
    'a connection',
    { more: rest({ processes: [{ ...process, connections: 1 }] }) },
    { more: rest({ processes: [process] }) },
  ],
  [
    'an instance keeps nothing',
    'memory',
    { more: rest({ processes: [{ ...process, heap: 90e6 }] }) },
    { more: rest({ processes: [process] }) },
  ],
]

test('a history in which all is well is accepted', () => {
  expect(propertiesOf({})).toEqual([])
})

describe('the checker refuses', () => {
  test.each(CASES)('%s: %s', (property, _what, bad) => {
    expect(propertiesOf(bad)).toContain(property)
  })
})

describe('the checker accepts what is like it and allowed', () => {
  test.each(CASES)('%s: %s', (property, _what, _bad, good) => {
    expect(propertiesOf(good)).not.toContain(property)
  })
})

test('what durable calls did is counted', () => {
  const calls: Call[] = [
    { ...CALL, ...DURABLE.call },
    { ...CALL, tool: 'durable', call: 's#2', outcomes: [failed(LOST)] },
    { ...CALL, tool: 'durable', call: 's#3', outcomes: [] },
    { ...CALL, tool: 'durable', call: 's#4', revision: '2026-07-28', outcomes: [{ kind: 'hung', at: 9_000 }] },
  ]
  const ledger = [
    ...run('a.1/1', 1_100, [{ e: 'suspended' }], undefined),
    ...durable('a.1/2', 2_000, [1], [1]),
    ...durable('b.1/1', 5_000, [1, 2, 3, 0, 0]),
  ]
  const history = {
    seed: 1,
    limits: LIMITS,
    faults: [KILLED],
    sessions: [SESSION],
    calls,
    tasks: [],
    ledger,
    exits: [],
    errors: [],
  }
  const counts = countDurable(history)
  expect(counts).toMatchObject({ calls: 4, runs: 3, suspended: 1, takeovers: 1, effects: 4, singles: 2 })
  expect(counts).toMatchObject({ storm: 1, singleTwice: 1, twice: 0, failover: 0, round: 0 })
  expect(counts).toMatchObject({ result: 1, lost: 1, open: 1, hung: 1 })
  expect(countsText(counts)).toContain('| suspensions | 1 |')
})

test('a cancel ends no call that begins long afterwards', () => {
  const cancel = { sent: 2_000, acknowledged: 2_100, resumable: true }
  expect(propertiesOf({ call: { cancel }, ledger: run('a.1/1', 2_900, []) })).toEqual([
    'a cancelled call has no response',
  ])
  expect(propertiesOf({ call: { cancel }, ledger: run('a.1/1', 3_100, []) })).toEqual([])
})

test('what a failover loses is lost, and nothing else is excused by it', () => {
  const cancel = { sent: 2_000, acknowledged: 2_100, resumable: true }
  expect(propertiesOf({ call: { cancel }, faults: [failover] })).toEqual([])
  expect(propertiesOf({ call: { received: [log(1), log(3)] }, faults: [failover] })).toEqual(['once and in order'])
  const twice = run('a.1/1', 1_100, [effect, effect])
  expect(propertiesOf({ call: { tool: 'effect' }, ledger: twice, faults: [failover] })).toEqual(['effects happen once'])
})
