/** The house of docs/design.md: imports point down, no folder imports itself through others, and packages have their place. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../tools/build.ts'
import { faultsOf, graphOf, importsOf, PRINTOUT, printoutOf, readGraph } from '../tools/imports.ts'
import { sources } from '../tools/source.ts'

const faultsIn = (files: Record<string, string>) => faultsOf(graphOf(new Map(Object.entries(files))))

test('imports point down, and there is no cycle between folders', () => {
  expect(faultsOf(readGraph(root))).toEqual([])
})

test('docs/design.md has the imports as they are: npm run imports -- --write', () => {
  const [documented] = PRINTOUT.exec(readFileSync(join(root, 'docs/design.md'), 'utf8')) ?? []
  expect(documented).toBe(printoutOf(readGraph(root)))
})

/** Each package, kind of package or file, and the only files that may import it. */
const PACKAGES: [name: RegExp, files: RegExp][] = [
  [/^ioredis$/, /^lib\/store\/redis\//],
  [/^@?hono(\/|$)/, /^lib\/(http|page|platform|cli)\/|^lib\/endpoint(-types)?\.ts$|^(functions|examples)\//],
  [/^node:/, /^(?!lib\/protocol\/)/],
  // A server's handlers keep values, and a store that does not answer fails them.
  [/^lib\/store\/(?!(?:values|store)\.ts$)/, /^(?!lib\/server\/)/],
]

function misplacedIn(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, source]) =>
    importsOf(file, source)
      .filter((name) => PACKAGES.some(([kind, place]) => kind.test(name) && !place.test(file)))
      .map((name) => `${file} imports ${name}`),
  )
}

test('the Redis client, Hono, I/O and the stores are imported in their places only', () => {
  expect(misplacedIn(sources(root, ['lib', 'functions', 'examples']))).toEqual([])
})

test('an import in another place is refused', () => {
  const files = {
    'lib/session/a.ts': "import { Redis } from 'ioredis'",
    'lib/runtime/a.ts': "const { Hono } = await import('hono')",
    'lib/server/a.ts':
      "import type { HttpBindings } from '@hono/node-server'\nimport '../store/sealed.ts'\nimport '../store/values.ts'",
    'lib/protocol/a.ts': "import 'node:fs'",
    'lib/store/redis/a.ts': "import { Redis } from 'ioredis'\nimport 'node:fs'",
    'lib/http/a.ts': "import { cors } from 'hono/cors'",
  }
  expect(misplacedIn(new Map(Object.entries(files)))).toEqual([
    'lib/session/a.ts imports ioredis',
    'lib/runtime/a.ts imports hono',
    'lib/server/a.ts imports @hono/node-server',
    'lib/server/a.ts imports lib/store/sealed.ts',
    'lib/protocol/a.ts imports node:fs',
  ])
})

test('an arrow up is refused, whichever way it is written', () => {
  const up = (source: string) => faultsIn({ 'lib/base/a.ts': source })
  const fault = ['lib/base -> lib/protocol goes up: lib/base/a.ts imports lib/protocol/b.ts']
  expect(up("import { b } from '../protocol/b.ts'")).toEqual(fault)
  expect(up("import type { B } from '../protocol/b.ts'")).toEqual(fault)
  expect(up("import {\n  type B,\n} from '../protocol/b.ts'")).toEqual(fault)
  expect(up("export { b } from '../protocol/b.ts'")).toEqual(fault)
  expect(up("import '../protocol/b.ts'")).toEqual(fault)
  expect(up("const { b } = await import('../protocol/b.ts')")).toEqual(fault)
  expect(up('const { b } = await import(`../protocol/b.ts`)')).toEqual(fault)
  expect(up("const b = await import(given ? given : '../protocol/b.ts')")).toEqual(fault)
  expect(up("type B = typeof import('../protocol/b.ts')")).toEqual(fault)
})

test('an import in a comment or in a text is none', () => {
  const source =
    "// import '../protocol/b.ts'\n/** `import '../protocol/b.ts'` */\nconst text = \"import '../protocol/b.ts'\""
  expect(faultsIn({ 'lib/base/a.ts': source })).toEqual([])
})

test('an arrow between two places of one floor is refused, unless they are named as neighbours', () => {
  const imports = (from: string, to: string) =>
    faultsIn({ [`lib/${from}`]: `import '${'../'.repeat(from.split('/').length - 1) || './'}${to}'` })
  expect(imports('session/a.ts', 'stateless/b.ts')).toHaveLength(1)
  expect(imports('stateless/call/a.ts', 'session/call/b.ts')).toHaveLength(1)
  expect(imports('auth/a.ts', 'server/methods/b.ts')).toHaveLength(1)
  expect(imports('store/a.ts', 'server/b.ts')).toHaveLength(1)
  expect(imports('platform/node/a.ts', 'platform/lambda/b.ts')).toHaveLength(1)
  expect(imports('endpoint.ts', 'index.ts')).toHaveLength(1)
  expect(imports('server/methods/a.ts', 'store/values.ts')).toEqual([])
  expect(imports('platform/node/a.ts', 'platform/b.ts')).toEqual([])
  expect(imports('session/a.ts', 'session/call/b.ts')).toEqual([])
  expect(imports('index.ts', 'endpoint.ts')).toEqual([])
})

test('a file on no floor is refused', () => {
  expect(faultsIn({ 'lib/helpers/a.ts': '' })).toEqual(['lib/helpers is on no floor'])
  expect(faultsIn({ 'lib/more.ts': '' })).toEqual(['lib/more.ts is on no floor'])
  expect(faultsIn({ 'lib/sessions/a.ts': '' })).toEqual(['lib/sessions is on no floor'])
})

test('a cycle between folders is refused and named once, subfolders and longer ways included', () => {
  const cycle = {
    'lib/session/a.ts': "import './call/b.ts'",
    'lib/session/call/b.ts': "import '../stream/c.ts'",
    'lib/session/stream/c.ts': "import type { D } from '../d.ts'",
  }
  expect(faultsIn(cycle)).toEqual(['cycle: lib/session -> lib/session/call -> lib/session/stream -> lib/session'])
  expect(faultsIn({ ...cycle, 'lib/session/stream/c.ts': '' })).toEqual([])
})

test('the print-out has a line for each folder, from the top to the bottom, and the faults', () => {
  const files = {
    'lib/base/a.ts': '',
    'lib/http/a.ts': "import '../base/a.ts'\nimport '../server/methods/b.ts'",
    'lib/server/methods/b.ts': "import '../../base/a.ts'",
    'functions/node.ts': "import '../lib/index.ts'",
  }
  const lines = ['functions -> index.ts', 'http -> base, server/methods', 'server/methods -> base', 'base -> -', '']
  const printout = (more: Record<string, string>) => printoutOf(graphOf(new Map(Object.entries({ ...files, ...more }))))
  expect(printout({}).split('\n')).toEqual([...lines, 'no cycle, no arrow up'])
  expect(printout({ 'lib/base/a.ts': "import '../http/a.ts'" })).toContain('lib/base -> lib/http goes up')
})
