/**
 * Every protection of the fabric is taken out once, in a copy of the source, and the test that is to notice must fail.
 * A mutation whose text is no longer in the source fails too: the table goes with the code.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Protection {
  name: string
  file: string
  /** Text and what takes its place; each must occur. */
  without: [string, string][]
  also?: Pick<Protection, 'file' | 'without'>
  /** The test file that notices, and a part of the name of its test. */
  noticed: string
  called?: string
}

const CALLS = 'lib/store/redis/scripts/calls.ts'
const STREAMS = 'lib/store/redis/scripts/streams.ts'
const CONNECTION = 'lib/session/stream/connection.ts'
const RULE = 'test/cluster/stream-property-memory.test.ts'
const CONTRACT = 'test/store/redis.test.ts'

const protections: Protection[] = [
  {
    name: 'the fence: only the run that owns a call appends to it',
    file: CALLS,
    without: [["if redis.call('HGET', live, 'o:' .. stream) ~= owner then return reply('lost') end", '']],
    noticed: CONTRACT,
  },
  {
    name: 'numbers without holes: an append beyond the end is refused',
    file: CALLS,
    without: [["if from > top + 1 then return reply('gap') end", '']],
    noticed: CONTRACT,
  },
  {
    name: 'the cancel flag, seen by the append',
    file: CALLS,
    without: [["if redis.call('HEXISTS', live, 'x:' .. stream) == 1 then return reply('cancelled') end", '']],
    noticed: CONTRACT,
  },
  {
    name: 'the existence check of the append',
    file: CALLS,
    without: [["if redis.call('EXISTS', session) == 0 then return { 'gone' } end\nlocal top", 'local top']],
    noticed: CONTRACT,
  },
  {
    name: 'the existence check of the take',
    file: STREAMS,
    without: [
      [
        "if redis.call('EXISTS', session) == 0 then return { 'gone' } end\nlocal top, ended = last(log)\nlocal own = own_end(session, stream)\nlocal owner",
        'local top, ended = last(log)\nlocal own = own_end(session, stream)\nlocal owner',
      ],
    ],
    noticed: CONTRACT,
  },
  {
    name: 'the holder check of the heartbeat',
    file: STREAMS,
    without: [
      ["if redis.call('HGET', own and session or live, 's:' .. stream) ~= holder then return { 'moved' } end", ''],
    ],
    noticed: CONTRACT,
  },
  {
    name: 'a claim is compare and set',
    file: CALLS,
    without: [["if current ~= expected and current ~= owner then return { 'lost' } end", '']],
    noticed: CONTRACT,
  },
  {
    name: 'a missing number is read from the log',
    file: CONNECTION,
    without: [['|| entry.n > this.#n + 1)', ')']],
    noticed: RULE,
  },
  {
    name: 'the heartbeat looks at the store',
    file: CONNECTION,
    without: [['    this.response.comment()\n    this.look()\n', '    this.response.comment()\n']],
    noticed: RULE,
  },
  {
    name: 'what was delivered is not delivered again',
    file: CONNECTION,
    without: [['(this.#confirmed && entry.n <= this.#n)', 'false']],
    noticed: RULE,
  },
  {
    name: 'event ids belong to their session',
    file: 'lib/session/stream/event-id.ts',
    without: [['check(key, stream, n, tag) === given ?', "given !== '' ?"]],
    noticed: 'test/cluster/streams.test.ts',
    called: 'of another session',
  },
  {
    name: 'the lookup of a cancel is scoped to the session',
    file: 'lib/session/call/pace.ts',
    without: [
      [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
        'return `${this.#parts.session.key}${typedId(this.#parts.request.id)}`',
        'return typedId(this.#parts.request.id)',
      ],
    ],
    also: {
      file: 'lib/session/sessions.ts',
      without: [['.unregistered.get(session.key + id)', '.unregistered.get(id)']],
    },
    noticed: 'test/cluster/session-isolation.test.ts',
  },
  {
    name: 'a mark for the cancel that overtakes its call',
    file: 'lib/store/memory/calls.ts',
    without: [['cancelled: state.marks.has(part(key, id))', 'cancelled: false']],
    noticed: 'test/cluster/session-isolation.test.ts',
  },
  {
    name: 'a resumed stream primes its client again',
    file: 'lib/session/stream/sse-response.ts',
    without: [['(primes ? ssePriming(this.#startId, retry) : SSE_COMMENT)', 'SSE_COMMENT']],
    noticed: 'test/cluster/session-isolation.test.ts',
  },
]

const root = new URL('../../', import.meta.url).pathname
let copy: string

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'mcp-anywhere-without-'))
  for (const part of ['lib', 'test', 'functions', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

function run(file: string, called: string | undefined): Promise<{ code: number | null; output: string }> {
  const only = called === undefined ? [] : ['-t', called]
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', '--testTimeout', '8000', file, ...only], {
    cwd: copy,
    env: { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_POOL_ID: undefined, VITEST_WORKER_ID: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })))
}

describe('taken out, it is missed:', () => {
  test.each(protections)(
    '$name',
    async ({ file, without, also, noticed, called }) => {
      const changes = [{ file, without }, ...(also ? [also] : [])]
      for (const change of changes) {
        let source = readFileSync(join(root, change.file), 'utf8')
        for (const [text, instead] of change.without) {
          expect(source.split(text).length, `${text} is not in ${change.file}, or more than once`).toBe(2)
          source = source.replace(text, () => instead)
        }
        writeFileSync(join(copy, change.file), source)
      }
      try {
        const { code, output } = await run(noticed, called)
        expect(code, output).toBe(1)
        // A test failed; it was not the file that could not be run.
        expect(output).toMatch(/Tests .*\d+ failed/)
      } finally {
        for (const change of changes) cpSync(join(root, change.file), join(copy, change.file))
      }
    },
    90_000,
  )
})
