/**
 * Takes each guard of the scripts on durable and suspended calls away: what the contract demands must fail then. A guard whose text
 * is not in its script fails as well, so that the table follows the code.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Store, StoreOptions } from '../../lib/store/store.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { journalBounds, journalScenarios } from './contract/journal.ts'
import type { Scenario } from './contract/scenario.ts'
import { MINUTE, newKey } from './contract/support.ts'
import { suspendedScenarios } from './contract/suspended.ts'

const SCENARIOS = { ...journalScenarios, ...journalBounds, ...suspendedScenarios }

interface Guard {
  /** The file in lib/store/redis/scripts, and the scripts in it that lose the guard. */
  file: 'asks' | 'calls' | 'durable' | 'journal' | 'sessions' | 'streams' | 'takeover'
  scripts: string[]
  without: [text: string, replacement: string][]
  failing: keyof typeof SCENARIOS
}

const FENCE = "if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end"
const CANCELLED = "if call('HEXISTS', live, 'x:' .. stream) == 1 then return { 'cancelled' } end"

const GUARDS: Record<string, Guard> = {
  'only the run that owns a call begins or ends a once': {
    file: 'journal',
    scripts: ['keep'],
    without: [[FENCE, '']],
    failing: 'a step of a run that has lost its call is refused',
  },
  'a cancelled call begins no once': {
    file: 'journal',
    scripts: ['keep'],
    without: [[CANCELLED, '']],
    failing: 'a step of a cancelled call is refused',
  },
  'the first result stays': {
    file: 'journal',
    scripts: ['keep'],
    without: [['if known then', 'if false then']],
    failing: 'the first result stays, whatever comes after it',
  },
  'a single once is begun by one run': {
    file: 'journal',
    scripts: ['keep'],
    without: [["return { run == owner and 'ok' or 'begun' }", "return { 'ok' }"]],
    failing: 'a single once that another run began is never begun again',
  },
  'a failure frees a single once only for the run that began it': {
    file: 'journal',
    scripts: ['keep'],
    without: [['if run == owner then', 'if run then']],
    failing: 'a single once begins again where the run that began it reports its failure, and that run alone',
  },
  'a call becomes durable with its first once': {
    file: 'journal',
    scripts: ['keep'],
    without: [['if ordinary then', 'if false then']],
    failing: 'a call that registered as others do is durable from its first once on',
  },
  'it has the number of the last message then': {
    file: 'journal',
    scripts: ['keep'],
    without: [["if said >= 0 then call('HSETNX', live, 'q:' .. stream, said) end", '']],
    failing: 'such a once has the number of the last message that the log has, unless the log has a later one',
  },
  'a number that the log has is never lowered by a once': {
    file: 'journal',
    scripts: ['keep'],
    without: [["call('HSETNX', live, 'q:' .. stream, said)", "call('HSET', live, 'q:' .. stream, said)"]],
    failing: 'such a once has the number of the last message that the log has, unless the log has a later one',
  },
  'a call becomes durable with its first durable append': {
    file: 'durable',
    scripts: ['appendDurable'],
    without: [['if ordinary then', 'if false then']],
    failing: 'a call that registered as others do is durable from its first durable append on',
  },
  'a journal has a bound of bytes': {
    file: 'journal',
    scripts: ['keep'],
    without: [['or bytes > 262144', '']],
    failing: 'a journal has so many bytes',
  },
  'a journal is counted for its session': {
    file: 'journal',
    scripts: ['keep'],
    without: [['if bytes >= 4096 then', 'if false then']],
    failing: 'a journal counts among the bytes of its session, until its call ends',
  },
  'the end of a call gives back what its journal counted': {
    file: 'durable',
    scripts: ['endDurable'],
    without: [["hold(held, sizes, stream .. ' journal', 0, open, open)", '']],
    failing: 'a journal counts among the bytes of its session, until its call ends',
  },
  'a repeated append does not renew a deadline': {
    file: 'durable',
    scripts: ['appendDurable'],
    without: [
      ["call('HSETNX', live, 'a:' .. ask, stream) == 1", "call('HSET', live, 'a:' .. ask, stream) >= 0"],
      // A repeat is recognised before that.
      ["if #messages > 0 and newest <= top and tag_at(log, newest) == tag then return reply('ok') end", ''],
      [
        "if from <= top then return reply('lost') end",
        'if from <= top then from = top + 1 newest = top + #messages end',
      ],
    ],
    failing: 'an ask is found by its key, as its first run made it',
  },
  'the log has the number of what was said': {
    file: 'durable',
    scripts: ['appendDurable'],
    without: [["if said >= 0 then call('HSET', live, 'q:' .. stream, said) end", '']],
    failing: 'a result is found by each later run, with the number of what was said',
  },
  'a deadline ends with the session': {
    file: 'durable',
    scripts: ['appendDurable'],
    without: [['math.min(now() + tonumber(timeouts[i]), ends)', 'now() + tonumber(timeouts[i])']],
    failing: 'a deadline is never beyond the end of the session',
  },
  'heartbeats keep the journal': {
    file: 'durable',
    scripts: ['lookDurable'],
    without: [["call('PEXPIRE', jrn, open)", '']],
    failing: 'a journal lives as long as its run looks',
  },
  'the clock of the store closes an ask, and nothing else': {
    file: 'asks',
    scripts: ['closeAsk'],
    without: [['tonumber(deadline) <= now()', 'true']],
    failing: 'an ask is not closed before its deadline, and is never answered after that',
  },
  'an ask with a deadline stays pending before it': {
    file: 'asks',
    scripts: ['closeAsk'],
    without: [['if not deadline then', 'if true then']],
    failing: 'an ask is not closed before its deadline, and is never answered after that',
  },
  'a deadline that an ask was closed for is a fact': {
    file: 'asks',
    scripts: ['closeAsk'],
    without: [["call('HSET', live, 'v:' .. ask, '!timeout')", '']],
    failing: 'an ask is not closed before its deadline, and is never answered after that',
  },
  'a deadline that a claim reports is a fact': {
    file: 'takeover',
    scripts: ['claim'],
    without: [["call('HSET', live, 'v:' .. ask, known[1])", '']],
    failing: 'a deadline that a claim found passed stays so for each later run',
  },
  'a run that has lost its call cannot suspend it': {
    file: 'journal',
    scripts: ['suspend'],
    without: [[FENCE, '']],
    failing: 'a run that has lost its call cannot suspend it',
  },
  'a cancelled run is not suspended': {
    file: 'journal',
    scripts: ['suspend'],
    without: [[CANCELLED, '']],
    failing: 'a cancelled run is not suspended',
  },
  'a call whose request is not stored is not suspended': {
    file: 'journal',
    scripts: ['suspend'],
    without: [["if call('HEXISTS', live, 'd:' .. stream) == 0 then return { 'full' } end", '']],
    failing: 'a call that is not durable is not suspended',
  },
  'a suspension looks for answers': {
    file: 'journal',
    scripts: ['suspend'],
    without: [['or known[2] or', 'or']],
    failing: 'a run whose ask was answered before is not suspended',
  },
  'a suspension looks for deadlines': {
    file: 'journal',
    scripts: ['suspend'],
    without: [['or (deadline and deadline <= now())', '']],
    failing: 'a run whose ask has no time left is not suspended, and its end of time is not a fact yet',
  },
  'a suspension needs an ask that can be answered': {
    file: 'journal',
    scripts: ['suspend'],
    without: [
      ['local news, answers, latest = #asks == 0,', 'local news, answers, latest = false,'],
      ['if not known[1] or known[2]', 'if known[2]'],
    ],
    failing: 'a run that waits for nothing, or for an ask that nobody can answer, is not suspended',
  },
  'a session has so many suspended calls': {
    file: 'journal',
    scripts: ['suspend'],
    without: [["if count >= max then return { 'full' } end", '']],
    failing: 'as many calls of a session are suspended as may be',
  },
  'nobody owns a suspended call': {
    file: 'journal',
    scripts: ['suspend'],
    without: [["'o:' .. stream, '', 'z:'", "'o:' .. stream, owner, 'z:'"]],
    failing: 'the run that has suspended its call can do nothing more',
  },
  'polls look for answers': {
    file: 'journal',
    scripts: ['poll'],
    without: [['or known[2] or', 'or']],
    failing: 'an answer that nobody takes the call with is found by the next poll',
  },
  'polls look for deadlines': {
    file: 'journal',
    scripts: ['poll'],
    without: [['or (known[3] and tonumber(known[3]) <= now())', '']],
    failing: 'a call whose ask has no time left is due, and the claim makes that a fact',
  },
  'only what the call waits for makes it due': {
    file: 'takeover',
    scripts: ['claim'],
    without: [["if current == '' and suspension(live, stream) then return { 'suspended' } end", '']],
    failing: 'asks that the call does not wait for make it no due one',
  },
  'an answer wakes only a call that waits for it': {
    file: 'asks',
    scripts: ['answerSuspended'],
    without: [["string.find(' ' .. asks .. ' ', ' ' .. ask .. ' ', 1, true)", 'true']],
    failing: 'asks that the call does not wait for make it no due one',
  },
  'the answer and the claim are one step': {
    file: 'asks',
    scripts: ['answerSuspended'],
    without: [['(waits or owner == taker)', '(owner == taker)']],
    failing: 'the answer and the claim are one step, and the reply has all that the run needs',
  },
  'a repeated answer recognises its own claim': {
    file: 'asks',
    scripts: ['answer'],
    without: [["or (taker ~= '' and owner == taker)", '']],
    failing: 'the answer and the claim are one step, and the reply has all that the run needs',
  },
  'an answer takes the call from nobody who runs it': {
    file: 'asks',
    scripts: ['answerSuspended'],
    without: [["local waits = owner == '' and asks and", 'local waits = true or']],
    failing: 'of two answers at once one takes the call, and the other is stored for its run',
  },
  'a call that is taken is no suspended one': {
    file: 'asks',
    scripts: ['answerSuspended'],
    without: [["call('HDEL', live, 'z:' .. stream)", '']],
    failing: 'as many calls of a session are suspended as may be',
  },
  'a claim compares the owner': {
    file: 'takeover',
    scripts: ['claim'],
    without: [["if current ~= expected and current ~= owner then return { 'lost' } end", '']],
    failing: 'a call that is due is claimed by one of several runs',
  },
  'a cancel ends a call that nobody runs': {
    file: 'takeover',
    scripts: ['endIdle'],
    without: [["if owner ~= '' then", 'if true then']],
    failing: 'the cancel of a suspended call ends it in the same step',
  },
  'the cancel of a call that runs is left to its run': {
    file: 'takeover',
    scripts: ['endIdle'],
    without: [["if owner ~= '' then", 'if false then']],
    failing: 'of an answer and a cancel at once the first one decides, and the call ends',
  },
  'a suspended call outlives the other parts of its session': {
    file: 'journal',
    scripts: ['suspend'],
    without: [['if left > open then', 'if false then']],
    failing: 'a suspended call lives until its last deadline, whatever else the session does',
  },
  'the journal outlives them too': {
    file: 'journal',
    scripts: ['suspend'],
    without: [["call('PEXPIRE', jrn, math.max(open, left))", '']],
    failing: 'a suspended call lives until its last deadline, whatever else the session does',
  },
  'an answer finds what outlived the others': {
    file: 'asks',
    scripts: ['answer'],
    without: [['if not stream and restore(live, suspended) then', 'if false then']],
    failing: 'a suspended call lives until its last deadline, whatever else the session does',
  },
  'a claim finds it': {
    file: 'takeover',
    scripts: ['claim'],
    without: [['if not current and restore(live, suspended) then', 'if false then']],
    failing: 'what outlived the others is polled, claimed and cancelled',
  },
  'a cancel finds it': {
    file: 'takeover',
    scripts: ['cancel'],
    without: [['if not stream and restore(live, suspended) then', 'if false then']],
    failing: 'what outlived the others is polled, claimed and cancelled',
  },
}

const redis = redisOfFile()
let store: Store | undefined

beforeEach(async () => {
  // Each test has scripts of its own.
  vi.resetModules()
  await redis.admin.flushall()
})
afterEach(() => store?.close())

/** Runs a scenario in Redis with scripts that `change` has changed. */
async function play({ options, run }: Scenario, change: () => Promise<void>): Promise<void> {
  await change()
  const { redisStore } = await import('../../lib/store/redis/index.ts')
  const settings: StoreOptions = options ?? {}
  store = redisStore({ ...settings, url: redis.server.url })
  const key = newKey()
  await store.createSession(key, 'record', MINUTE)
  await run({ store, key })
}

async function remove({ file, scripts, without }: Guard): Promise<void> {
  const module: Record<string, unknown> = await import(`../../lib/store/redis/scripts/${file}.ts`)
  const found = scripts.map((name) => module[name] as { lua: string })
  for (const [text, replacement] of without) {
    const having = found.filter(({ lua }) => lua.includes(text))
    expect(having, text).not.toEqual([])
    for (const script of having) script.lua = script.lua.replace(text, () => replacement)
  }
}

test.each(Object.entries(GUARDS))('without “%s” the contract is broken', async (_name, guard) => {
  const scenario: Scenario = SCENARIOS[guard.failing]
  await expect(play(scenario, () => remove(guard))).rejects.toThrow()
})
