/** Protections that the run must miss when they are taken out of a copy of the source. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CallMixName } from './clients/mixes.ts'
import type { FaultKind } from './faults.ts'

export interface Protection {
  what: string
  file: string
  /** Source texts and their replacements. Each text occurs once. */
  without: readonly [text: string, replacement: string][]
  /** The faults that need the protection; default: all. */
  faults?: readonly FaultKind[]
  /** The calls that need it; default: all. */
  calls?: CallMixName
  /** The mean time from one fault to the next, in ms. */
  gap?: number
  /** The part of the clients, from 0 to 1, that run tasks. */
  tasks?: number
}

const APPEND = 'lib/store/redis/scripts/append.ts'
const LEG = 'lib/session/call/durable/leg.ts'
const TASK = 'lib/store/redis/scripts/tasks.ts'

export const PROTECTIONS = {
  fence: {
    what: 'only the run that owns a call appends to it',
    file: APPEND,
    without: [["if call('HGET', live, 'o:' .. stream) ~= owner then return reply('lost') end", '']],
    faults: ['stop', 'kill and stop', 'cut clients'],
  },
  claim: {
    what: 'a claim replaces only the expected owner',
    file: 'lib/store/redis/scripts/takeover.ts',
    without: [["if current ~= expected and current ~= owner then return { 'lost' } end", '']],
    faults: ['kill and stop', 'cut clients', 'swallow clients', 'stop'],
  },
  answer: {
    what: 'an answer is stored before it is acknowledged',
    file: 'lib/session/from-client.ts',
    without: [
      [
        'const reply = await storing',
        "storing.then((late) => instance.send({ t: 'answer', to: late.owner ?? '', ask, value })).catch(() => {})\n  const reply = { status: 'unknown' }",
      ],
    ],
    faults: ['redis pause', 'redis kill', 'redis full', 'swallow store', 'kill'],
  },
  lease: {
    what: 'an instance that did not reach the store for a lease declares no other one dead',
    file: 'lib/runtime/presence.ts',
    without: [['return this.#isSure ? missing : new Set()', 'return missing']],
    faults: ['redis pause', 'redis kill'],
  },
  repeat: {
    what: 'an append that is sent again is recognised',
    file: APPEND,
    without: [["if #messages > 0 and newest <= top and tag_at(log, newest) == tag then return reply('ok') end", '']],
    faults: ['lose reply', 'cut store'],
  },
  journal: {
    what: 'a run that goes on with a call has the results of the runs before',
    file: LEG,
    without: [['const known = this.#earlier?.results.get(id)', 'const known: string | undefined = undefined']],
    faults: ['kill', 'drain'],
    calls: 'durable',
  },
  kept: {
    what: 'a handler goes on once the store has the result of its step',
    file: LEG,
    without: [
      [
        "const kept = await this.#keep({ name: id, step: 'end', value: text }, name)",
        "const kept: { status: string; value: string } = { status: 'ok', value: '' }\n      const keep = () => void this.#keep({ name: id, step: 'end', value: text }, name).catch(() => {})\n      this.#run.instance.clock.after(300, keep)",
      ],
    ],
    faults: ['kill'],
    calls: 'durable',
  },
  single: {
    what: 'a single effect is begun at the store before it begins',
    file: LEG,
    without: [['if (single) {', 'if (single && this.#run.over) {']],
    faults: ['kill'],
    calls: 'durable',
  },
  held: {
    what: 'a step begins only while the sign of life of its instance lasts',
    file: LEG,
    without: [['await this.#holdLease()\n      if', 'if']],
    faults: ['stop', 'kill and stop'],
    calls: 'durable',
    gap: 4_000,
  },
  token: {
    what: 'a run whose instance missed its sign of life takes its call from itself under a new token',
    file: LEG,
    without: [['if (instance.presence.lapses !== this.#run.lapses) await this.#run.retake()', '']],
    faults: ['stop and slow'],
    calls: 'durable',
    // One after the other: the questions must still reach their clients.
    gap: 7_000,
  },
  suspended: {
    what: 'only the run that owns a call suspends it',
    file: 'lib/store/redis/scripts/journal.ts',
    without: [
      [
        "if call('HGET', live, 'o:' .. stream) ~= owner then return { 'lost' } end\nif call('HEXISTS', live, 'x:' .. stream) == 1 then return { 'cancelled' } end\n-- A request",
        "if call('HEXISTS', live, 'x:' .. stream) == 1 then return { 'cancelled' } end\n-- A request",
      ],
    ],
    faults: ['stop', 'stop and slow'],
    calls: 'durable',
  },
  asks: {
    what: 'a run that goes on with a call finds what the runs before have asked',
    file: 'lib/session/call/durable/keyed-asks.ts',
    without: [['const kept = this.#earlier?.asks.get(name)', 'const kept = this.#earlier?.asks.get("")']],
    faults: ['kill', 'drain'],
    calls: 'durable',
  },
  said: {
    what: 'a run that goes on with a call leaves out the messages that the log has',
    file: 'lib/session/call/channel.ts',
    without: [['if (say !== undefined && say <= (this.#parts.continued?.journal?.said ?? 0)) return', '']],
    faults: ['kill', 'drain'],
    calls: 'durable',
  },
  taskJournal: {
    what: 'a run of a task has the results of the runs before',
    file: 'lib/tasks/task-once.ts',
    without: [['const known = this.#run.results.get(entry)', 'const known = this.#run.results.get("")']],
    faults: ['kill', 'drain'],
    tasks: 1,
  },
  taskLease: {
    what: 'the leg of a task is taken only where its lease has lapsed',
    file: 'lib/store/redis/scripts/task-parts.ts',
    without: [["if left > 0 then return (gone or leg == 0) and {} or { 'wait', left } end", '']],
    faults: ['cut clients'],
    tasks: 1,
  },
  taskFence: {
    what: 'only the run that has the leg of a task renews it, or keeps anything',
    file: TASK,
    without: [["if own ~= owner then return { st == 'x' and 'cancelled' or 'lost' } end\ncall", 'call']],
    faults: ['stop', 'kill and stop'],
    tasks: 1,
  },
  taskCancel: {
    what: 'what the run of a cancelled task returns does not count',
    file: TASK,
    without: [['if own ~= owner then\n  if by', "if own ~= owner and st ~= 'x' then\n  if by"]],
    faults: ['delay store'],
    tasks: 1,
  },
} as const satisfies Record<string, Protection>

/**
 * The protections of durable calls whose absence a short run finds. `suspended` is not among them: a suspension looks for answers too, so
 * that only a rare order of events needs it. `test/store/guards.test.ts` has it.
 */
export const DURABLE_GUARDS = ['journal', 'kept', 'single', 'held', 'token', 'asks', 'said'] as const

/**
 * The protections of tasks whose absence a short run finds. `taskCancel` takes minutes: an outcome must come just after a cancel.
 * `test/tasks/guards.test.ts` has it.
 */
export const TASK_GUARDS = ['taskJournal', 'taskLease', 'taskFence'] as const

export type ProtectionName = keyof typeof PROTECTIONS

export function isProtection(name: string): name is ProtectionName {
  return Object.hasOwn(PROTECTIONS, name)
}

const root = new URL('../../', import.meta.url).pathname

/** The source of a protection's file without it. @throws Error where the source has another text */
export function sourceWithout(name: ProtectionName): string {
  const { file, without }: Protection = PROTECTIONS[name]
  let source = readFileSync(join(root, file), 'utf8')
  for (const [text, replacement] of without) {
    if (source.split(text).length !== 2) throw new Error(`${file} has "${text}" not once.`)
    source = source.replace(text, () => replacement)
  }
  return source
}

/** A copy of this checkout without the protection. */
export function copyWithout(name: ProtectionName): { root: URL; remove(): void } {
  const source = sourceWithout(name)
  const copy = mkdtempSync(join(tmpdir(), 'mcp-anywhere-nemesis-without-'))
  for (const part of ['lib', 'test/nemesis', 'test/support', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  writeFileSync(join(copy, PROTECTIONS[name].file), source)
  return { root: pathToFileURL(`${copy}/`), remove: () => rmSync(copy, { recursive: true, force: true }) }
}
