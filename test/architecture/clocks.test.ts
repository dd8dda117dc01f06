/** Time comes from lib/base/clock.ts and chance from lib/base: a test can hold both still. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is source text
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'

const SOURCES = {
  'Date.now': /\bDate\s*\.\s*now\b/,
  wall: /\.\s*wall\b/,
  'new Date()': /\bnew Date\b(?!\s*\(\s*[^\s)])/,
  'performance.now': /\bperformance\s*\.\s*now\b|\bhrtime\b/,
  setTimeout: /(?<![.\w])setTimeout\b|\b(?:globalThis|timers)\s*\.\s*setTimeout\b/,
  setInterval: /(?<![.\w])setInterval\b|\b(?:globalThis|timers)\s*\.\s*setInterval\b/,
  'Math.random': /\bMath\s*\.\s*random\b/,
  randomUUID: /\brandomUUID\b/,
  randomBytes: /\brandomBytes\b|\brandomFill(?:Sync)?\b|\brandomInt\b|\bgetRandomValues\b/,
}
type Name = keyof typeof SOURCES

/** Where each is allowed, by the beginning of the path. */
const ALLOWED: { at: string; names: readonly Name[]; because: string }[] = [
  {
    at: 'lib/base/clock.ts',
    names: ['Date.now', 'performance.now', 'setTimeout', 'setInterval'],
    because: 'this is the clock',
  },
  { at: 'lib/auth/', names: ['wall'], because: 'tokens have times of the wall clock (RFC 7519, 4.1.4)' },
  {
    at: 'lib/stateless/request-state.ts',
    names: ['wall'],
    because: 'a state goes through the client to other instances',
  },
  { at: 'lib/platform/lambda/tasks/invoke.ts', names: ['wall'], because: 'AWS compares the time of a signature' },
  { at: 'lib/runtime/timers.ts', names: ['wall'], because: 'a stream ends when its token expires' },
  { at: 'lib/store/memory/tasks.ts', names: ['wall'], because: 'clients are sent when a task was made and changed' },
  {
    at: 'lib/session/sessions.ts',
    names: ['wall'],
    because: 'builds that end sessions themselves read it in the record',
  },
  {
    at: 'lib/session/session-events.ts',
    names: ['wall'],
    because: 'no instance has seen both the begin and the end of a session',
  },
  { at: 'lib/telemetry/otel/spans.ts', names: ['wall'], because: 'a span has the times of its clock' },
  { at: 'lib/platform/lambda/metrics.ts', names: ['wall'], because: 'values in CloudWatch have the time for people' },
  { at: 'lib/platform/log.ts', names: ['wall'], because: 'a line of the log has the time for people' },
  { at: 'lib/platform/node/details.ts', names: ['wall'], because: 'a trouble has the time for people' },
  { at: 'lib/cli/admin/', names: ['wall'], because: 'the start of an instance has the time for people' },
  { at: 'lib/cli/dev/terminal.ts', names: ['wall'], because: 'a line has the time for people' },
  {
    at: 'lib/platform/lambda/invocation.ts',
    names: ['wall'],
    because: 'the monotonic clock may stand still while the environment is frozen',
  },
  { at: 'lib/stdio/serve.ts', names: ['setInterval'], because: 'a timer of the clock does not keep the process alive' },
  { at: 'lib/testing/time.ts', names: ['wall'], because: 'it is a clock' },
  { at: 'lib/base/ids.ts', names: ['randomBytes', 'Math.random'], because: 'this is where ids and delays are drawn' },
  { at: 'lib/base/sealing.ts', names: ['randomBytes'], because: 'a cipher needs a key and a fresh nonce' },
  {
    at: 'lib/store/redis/',
    names: ['performance.now', 'setTimeout', 'setInterval'],
    because: 'waits for sockets: a clock that stands still must not stop it',
  },
  {
    at: 'lib/platform/lambda/',
    names: ['setTimeout'],
    because: 'a timer of the clock would not keep an invocation going',
  },
  {
    at: 'lib/platform/node/',
    names: ['setTimeout', 'setInterval'],
    because: 'ends connections and the process: no endpoint is left whose clock it could use',
  },
  { at: 'lib/page/app/', names: ['performance.now', 'setTimeout'], because: 'it runs in a browser' },
  {
    at: 'lib/cli/serve/shared/',
    names: ['setTimeout'],
    because: 'a timer of the clock would not keep the process alive until the program has connected',
  },
  {
    at: 'lib/cli/serve/guard/',
    names: ['setTimeout'],
    because: 'a timer of the clock would not keep the process alive while the program cleans up',
  },
  {
    at: 'lib/cli/check/',
    names: ['performance.now', 'setTimeout'],
    because: 'it waits for a deployment, outside of it',
  },
]

const allowedAt = (file: string, name: Name) =>
  ALLOWED.find(({ at, names }) => file.startsWith(at) && names.includes(name))

const namesIn = (source: string): Name[] => {
  const code = strip(source, 'blank')
  return (Object.keys(SOURCES) as Name[]).filter((name) => SOURCES[name].test(code))
}

function misplacedIn(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, source]) =>
    namesIn(source)
      .filter((name) => !allowedAt(file, name))
      .map((name) => `${file}: ${name}`),
  )
}

const files = sources(root, ['lib', 'functions'])
// An author of a server has no need of lib/base.
files.delete('functions/server.ts')

test('no file reads a clock, waits or draws at random outside lib/base, nor the wall clock for a duration', () => {
  expect(misplacedIn(files)).toEqual([])
})

test('every exception is needed', () => {
  const unused = ALLOWED.flatMap(({ at, names }) => {
    const used = [...files].filter(([file]) => file.startsWith(at)).flatMap(([, source]) => namesIn(source))
    return names.filter((name) => !used.includes(name)).map((name) => `${at}: ${name}`)
  })
  expect(unused).toEqual([])
})

test('each of them is found, whichever way it is written', () => {
  expect(namesIn('const a = Date.now()')).toEqual(['Date.now'])
  expect(namesIn('const now = clock ?? Date\n  .now')).toEqual(['Date.now'])
  expect(namesIn('const late = this.#clock.wall() - since')).toEqual(['wall'])
  expect(namesIn('const a = new Date()')).toEqual(['new Date()'])
  expect(namesIn('const a = `${new Date( ).toISOString()}`')).toEqual(['new Date()'])
  expect(namesIn('const a = new Date')).toEqual(['new Date()'])
  expect(namesIn('performance.now(), process.hrtime.bigint()')).toEqual(['performance.now'])
  expect(namesIn('await new Promise((resolve) => setTimeout(resolve, 5))')).toEqual(['setTimeout'])
  expect(namesIn("import { setTimeout as sleep } from 'node:timers/promises'")).toEqual(['setTimeout'])
  expect(namesIn('globalThis.setInterval(f, 5)')).toEqual(['setInterval'])
  expect(namesIn('const id = Math.random()')).toEqual(['Math.random'])
  expect(namesIn("import { randomBytes, randomUUID } from 'node:crypto'")).toEqual(['randomUUID', 'randomBytes'])
  expect(namesIn('crypto.getRandomValues(bytes)')).toEqual(['randomBytes'])
})

test('a given time, a timer that ends, a socket and a text are none of them', () => {
  const harmless = "new Date(clock.now()); clearTimeout(timer); socket.setTimeout(5); f('Date.now()') // Math.random()"
  expect(namesIn(harmless)).toEqual([])
})

test('an exception holds for its place and its names alone', () => {
  const source = 'Date.now(); setTimeout(f, 5)'
  const at = (file: string) => misplacedIn(new Map([[file, source]]))
  expect(at('lib/base/clock.ts')).toEqual([])
  expect(at('lib/store/redis/commands.ts')).toEqual(['lib/store/redis/commands.ts: Date.now'])
  expect(at('lib/session/a.ts')).toEqual(['lib/session/a.ts: Date.now', 'lib/session/a.ts: setTimeout'])
})
