/**
 * Takes each guard of the scripts on tasks away: what the contract demands must fail then. A guard whose text is not in its script
 * fails as well, so that the table follows the code.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import type { TaskStore } from '../../lib/store/tasks.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { partsOf, recordScenarios } from './record-scenarios.ts'

interface Guard {
  /** The script of lib/store/redis/scripts/tasks.ts or session-tasks.ts that loses the guard. */
  script: string
  without: [text: string, replacement: string][]
  failing: keyof typeof recordScenarios
}

const CLAIM =
  'a leg is claimed only where its lease has lapsed, in the step that reads, with what the runs before have kept'
const FENCE = 'a run that has the leg no longer changes nothing'
const ANSWERS = 'only when every open ask has its answer does the next leg begin, and its first answer stays'
const CANCEL = 'a cancel is the end at once, names the run, and an outcome that comes later changes nothing'
const LOSSES = 'a leg that is lost too often without progress fails in the step that would claim it'
const PROGRESS = 'progress, and each leg, begin the count of losses again'
const RELEASED = 'a run that is released early counts where it should and has kept nothing'
const EXECUTOR = 'an executor is asked once within its patience, and a wake for another leg takes nothing'
const ONCE = 'the first value of a name stays, a single is begun by one run, and the journal has a bound'
const ASKED = 'a leg that ends on nothing but what has its answer is followed by the next one'
const REPEATED = 'a claim that is sent again after a lost reply is answered as the first was'
const REPEATED_ANSWERS = 'answers that are sent again after a lost reply have the same claim'
const EARLY = 'a wake that comes before its leg may begin is answered with how long that is, and nothing is taken'
const TURN =
  'one stream at a time sends what a task asks, and another one where that ends, or nobody has read it for long'
const SESSION = 'a task of a session is listed there, and ends with it'
const REMOVED = 'the tasks of a session that has ended are removed, with the names of their runs'

const GUARDS: Record<string, Guard> = {
  'a lease holds': {
    script: 'getTask',
    without: [['if left > 0 then', 'if false then']],
    failing: CLAIM,
  },
  'a claim begins a lease': {
    script: 'getTask',
    without: [["'own', owner, 'lse', now() + lease", "'own', owner, 'lse', 0"]],
    failing: CLAIM,
  },
  'a poll takes a leg whose lease has lapsed': {
    script: 'getTask',
    without: [['local taken = offer()', 'local taken = {}']],
    failing: CLAIM,
  },
  'a poll has an executor asked again, whose message may be lost': {
    script: 'getTask',
    without: [["if kind == 'enqueue' then", "if kind == 'enqueue' then return {} end\n  if false then"]],
    failing: EXECUTOR,
  },
  'an executor is not asked within its patience': {
    script: 'getTask',
    without: [['if tonumber(que) > now() then return {} end', '']],
    failing: EXECUTOR,
  },
  'a wake is for one leg': {
    script: 'getTask',
    without: [['or (leg > 0 and leg ~= tonumber(at))', '']],
    failing: EXECUTOR,
  },
  'only its run ends a leg': {
    script: 'endTask',
    without: [['if own ~= owner then', 'if false then']],
    failing: FENCE,
  },
  'an outcome does not follow a cancel': {
    script: 'endTask',
    without: [['if own ~= owner then', "if own ~= owner and st ~= 'x' then"]],
    failing: CANCEL,
  },
  'only its run renews a lease, or keeps anything': {
    script: 'renewTask',
    without: [['if own ~= owner then', 'if false then']],
    failing: FENCE,
  },
  'a repeated end is recognised': {
    script: 'endTask',
    without: [["if by == owner then return { 'ok', {}, {} } end", '']],
    failing: 'an end that is repeated after a lost reply is ok',
  },
  'a leg ends on what has no answer': {
    script: 'endTask',
    without: [["if call('HEXISTS', task, 'a:' .. key) == 0 then", 'if true then']],
    failing: ASKED,
  },
  'a task that asks nothing works': {
    script: 'endTask',
    without: [["stop(#open > 0 and 'i' or 'w')", "stop('i')"]],
    failing: ASKED,
  },
  'a partial answer leaves the task as it is': {
    script: 'updateTask',
    without: [["#open > 0 and 'i' or 'w'", "'w'"]],
    failing: ANSWERS,
  },
  'the last answer begins the leg in the same step': {
    script: 'updateTask',
    without: [['local taken = #open == 0 and offer() or {}', 'local taken = {}']],
    failing: ANSWERS,
  },
  'answers count only while the task asks': {
    script: 'updateTask',
    without: [["if st ~= 'i' then return { view(), {}, {} } end", '']],
    failing: CANCEL,
  },
  'a cancel is the end': {
    script: 'cancelTask',
    without: [["stop('x')", '']],
    failing: CANCEL,
  },
  'what has ended is not cancelled': {
    script: 'cancelTask',
    without: [["if st ~= 'w' and st ~= 'i' then return { 'over', view() } end", '']],
    failing: CANCEL,
  },
  'a leg is not run for ever': {
    script: 'getTask',
    without: [['if gone and lost >= tonumber(max) then', 'if false then']],
    failing: LOSSES,
  },
  'a claim from a lost run counts': {
    script: 'getTask',
    without: [["lost = call('HINCRBY', task, 'lost', 1)", 'lost = lost']],
    failing: LOSSES,
  },
  'progress ends the count of losses': {
    script: 'renewTask',
    without: [["'prg', '1', 'lost', 0)", "'prg', '1')"]],
    failing: PROGRESS,
  },
  'so does the next leg': {
    script: 'endTask',
    without: [["'leg', at + 1, 'lost', 0, 'runs', 0)", "'leg', at + 1, 'runs', 0)"]],
    failing: PROGRESS,
  },
  'a lost leg waits': {
    script: 'getTask',
    without: [['lse + (gone and pause(lost) or 0) - now()', 'lse - now()']],
    failing: 'a lost leg waits before it is run again',
  },
  'a run that ends early counts': {
    script: 'endTask',
    without: [["if counted then call('HINCRBY', task, 'lost', 1) end", '']],
    failing: RELEASED,
  },
  'a run that has kept something does not count': {
    script: 'endTask',
    without: [["local counted = counts and progress == ''", 'local counted = counts']],
    failing: RELEASED,
  },
  'runs that end early are not repeated for ever': {
    script: 'endTask',
    without: [['if counted and lost >= tonumber(max) then', 'if false then']],
    failing: RELEASED,
  },
  'the first result stays': {
    script: 'renewTask',
    without: [["if known and step ~= 'fail' then", 'if false then']],
    failing: ONCE,
  },
  'a single once is begun by one run': {
    script: 'renewTask',
    without: [["if begun and begun ~= owner then return { 'begun' } end", '']],
    failing: ONCE,
  },
  'a journal has a bound': {
    script: 'renewTask',
    without: [['if tonumber(n) >= mostEntries or size + #name + #value > mostBytes then', 'if false then']],
    failing: ONCE,
  },
  'a record is not overwritten': {
    script: 'createTask',
    without: [["if call('HGET', task, 'req') == request then", 'if true then']],
    failing: 'a task is there once it was made, and is not made twice',
  },
  'a task expires by the clock of the store': {
    script: 'getTask',
    without: [['or born + ttl <= now()', '']],
    failing: 'a task that has expired is unknown',
  },
  'a task needs its session to be made': {
    script: 'createTask',
    without: [["if bound and call('EXISTS', session) == 0 then return { 'unknown' } end", '']],
    failing: SESSION,
  },
  'a task ends with its session': {
    script: 'getTask',
    without: [["or (bound and call('EXISTS', session) == 0)", '']],
    failing: SESSION,
  },
  'a repeated claim is recognised': {
    script: 'getTask',
    without: [["if kind == 'claim' and own == owner then return taken(lost, '') end", '']],
    failing: REPEATED,
  },
  'a repeated update is recognised': {
    script: 'updateTask',
    without: [["if st == 'w' and kind == 'claim' and own == owner then return { view(), offer(), {} } end", '']],
    failing: REPEATED_ANSWERS,
  },
  'a wake that is early learns how long it waits': {
    script: 'getTask',
    without: [["(gone or leg == 0) and {} or { 'wait', left }", '{}']],
    failing: EARLY,
  },
  'a lease that a run has is not waited for': {
    script: 'getTask',
    without: [["(gone or leg == 0) and {} or { 'wait', left }", "leg == 0 and {} or { 'wait', left }"]],
    failing: EARLY,
  },
  'a stream asks alone': {
    script: 'watchTask',
    without: [['if by and tonumber(till) > now() then return { view(), 0, {} } end', '']],
    failing: TURN,
  },
  'a stream that nobody reads loses its turn': {
    script: 'watchTask',
    without: [["elseif call('HEXISTS', live, 's:' .. stream) == 0 then", 'elseif false then']],
    failing: TURN,
  },
  'only the stream that asks gives its turn up': {
    script: 'watchTask',
    without: [['if by ~= stream then return { view(), 0, {} } end', '']],
    failing: TURN,
  },
  'the tasks of a session that lives stay': {
    script: 'leftTasks',
    without: [["if call('EXISTS', session) == 1 then return {} end", '']],
    failing: REMOVED,
  },
  'nothing is left of a task whose session has ended': {
    script: 'dropTask',
    without: [["call('UNLINK', task)", '']],
    failing: REMOVED,
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

/** The scripts of a new copy of the modules. */
async function scripts(): Promise<Record<string, { lua: string } | undefined>> {
  const [first, second]: object[] = await Promise.all([
    import('../../lib/store/redis/scripts/tasks.ts'),
    import('../../lib/store/redis/scripts/session-tasks.ts'),
  ])
  return { ...first, ...second } as Record<string, { lua: string }>
}

async function play(name: keyof typeof recordScenarios): Promise<void> {
  const { redisStore } = await import('../../lib/store/redis/index.ts')
  store = redisStore({ url: redis.server.url })
  await recordScenarios[name](partsOf(store, (await store.tasks?.()) as TaskStore))
}

test.each(Object.entries(GUARDS))(
  'without “%s” the contract is broken',
  async (_name, { script, without, failing }) => {
    const found = (await scripts())[script]
    if (!found) throw new Error(`There is no script ${script}.`)
    for (const [text, replacement] of without) {
      expect(found.lua).toContain(text)
      found.lua = found.lua.replace(text, () => replacement)
    }
    await expect(play(failing)).rejects.toThrow()
  },
)
