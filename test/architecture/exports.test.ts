/** An export has an importer, and a public member has a reader. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'
import { declarationsOf } from './classes.ts'
import { exportsOf, usesOf } from './exports.ts'

type Files = ReadonlyMap<string, string>

/** Names that something outside reads from a file of these folders: Lambda, or `npm start`, the build and the bundles of `dev`. */
const READ_FROM_OUTSIDE: [folder: RegExp, names: RegExp][] = [
  [/^functions\//, /^(?:handler|server)$/],
  [/^lib\/cli\/dev\/instance\.ts$/, /^serveInstance$/],
  [/^examples\//, /^(?:handler|server|app|default)$/],
  [/^tools\/recording\/server\.ts$/, /^server$/],
]

/** The comment above an export that only tests import says so. */
const FOR_TESTS = 'Exported for tests.'

function unusedExports(code: Files, tests: Files, entries: readonly string[]): string[] {
  const used = usesIn(code)
  const tested = usesIn(tests)
  return [...code].flatMap(([file, source]) =>
    exportsOf(source)
      .filter(({ name }) => !entries.includes(file) && !used.has(`${file}#${name}`))
      .filter(({ name }) => !READ_FROM_OUTSIDE.some(([folder, names]) => folder.test(file) && names.test(name)))
      .map(({ name, comment }) => ({ name: `${file}: ${name}`, comment, inTests: tested.has(`${file}#${name}`) }))
      .filter(({ comment, inTests }) => !inTests || (!file.startsWith('tools/') && !comment.includes(FOR_TESTS)))
      .map(({ name, inTests }) => (inTests ? `${name} (only tests import it)` : name)),
  )
}

const usesIn = (files: Files) => new Set([...files].flatMap(([file, source]) => usesOf(file, source)))

const code = sources(root, ['lib', 'functions', 'tools', 'examples'])
const tests = sources(root, ['test'])

/** Every file that package.json names in `exports` or `bin`. */
function packageEntries(): string[] {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = JSON.stringify([exports, bin]).matchAll(/"\.\/([^"]+\.ts)"/g)
  return [...named].map(([, file = '']) => file)
}

test('every entry of the package is there', () => {
  expect(packageEntries()).toContain('lib/index.ts')
  for (const file of packageEntries()) expect(existsSync(join(root, file)), file).toBe(true)
})

test('every export is imported, or belongs to an entry of the package', () => {
  expect(unusedExports(code, tests, packageEntries())).toEqual([])
})

test('an export that nobody imports is refused, whichever way it is written', () => {
  const source = [
    'export const a = 1',
    'export async function b() {}',
    'export class C {}',
    'export interface D {}',
    'export type E<T> = T',
    'const f = 1, g = 2\nexport { f, g as h }',
    'export abstract class I {}',
    'export function* j() {}',
    'export const { k, l: m } = f()',
    "export type { N } from './other.ts'",
  ].join('\n')
  const names = ['a', 'b', 'C', 'D', 'E', 'I', 'j', 'k', 'm', 'f', 'h', 'N'].map((name) => `lib/a.ts: ${name}`)
  expect(unusedExports(new Map([['lib/a.ts', source]]), new Map(), [])).toEqual(names)
  expect(unusedExports(new Map([['lib/a.ts', source]]), new Map(), ['lib/a.ts'])).toEqual([])
})

test('an export is used by an import of its own name from its own file', () => {
  const unused = (importing: string) =>
    unusedExports(
      new Map([
        ['lib/x/a.ts', 'export const a = 1'],
        ['lib/y/b.ts', importing],
      ]),
      new Map(),
      [],
    )
  expect(unused("import { a } from '../x/a.ts'")).toEqual([])
  expect(unused("import { type a as b } from '../x/a.ts'")).toEqual([])
  expect(unused("import type {\n  a,\n} from '../x/a.ts'")).toEqual([])
  expect(unused("const { a } = await import('../x/a.ts')")).toEqual([])
  expect(unused("type A = typeof import('../x/a.ts')['a']")).toEqual(['lib/x/a.ts: a'])
  expect(unused("import { b } from '../x/a.ts'")).toEqual(['lib/x/a.ts: a'])
  expect(unused("import { a } from '../x/c.ts'")).toEqual(['lib/x/a.ts: a'])
  expect(unused("// import { a } from '../x/a.ts'")).toEqual(['lib/x/a.ts: a'])
  expect(unused("const { b } = await import('../x/a.ts')")).toEqual(['lib/x/a.ts: a'])
  expect(unused("export { a } from '../x/a.ts'")).toEqual(['lib/y/b.ts: a'])
})

test('an export that only tests import is refused, unless its comment says so or it is a tool', () => {
  const unused = (file: string, source: string) =>
    unusedExports(new Map([[file, source]]), new Map([['test/a.test.ts', `import { a } from '../${file}'`]]), [])
  expect(unused('lib/a.ts', 'export const a = 1')).toEqual(['lib/a.ts: a (only tests import it)'])
  expect(unused('lib/a.ts', '/** Adds. Exported for tests. */\nexport const a = 1')).toEqual([])
  expect(unused('lib/a.ts', '/** Exported for tests. */\nconst b = 1\nexport const a = 1')).toHaveLength(1)
  expect(unused('tools/a.ts', 'export const a = 1')).toEqual([])
})

/**
 * Public members of the classes and interfaces of lib that no line reads by name. A member whose name is also something
 * else's (`size`, `ended`) escapes. Those of lib/protocol/types.ts are the specification's.
 */
function unreadMembers(files: Files): string[] {
  const declaration = /^\s*(?:(?:static|async|get|set|override|readonly|public|abstract) )*\*?\w+[?!]?(?=\s*[(<:=])/gm
  const read = new Set(
    [...files.values()].flatMap((source) => strip(source, 'blank').replaceAll(declaration, '').match(/\b\w+/g) ?? []),
  )
  return [...files]
    .filter(([file]) => file.startsWith('lib/') && file !== 'lib/protocol/types.ts')
    .flatMap(([file, source]) =>
      declarationsOf(source).flatMap(({ name: owner, members }) =>
        members
          .filter(({ name, modifiers }) => !name.startsWith('#') && !modifiers.includes('private') && !read.has(name))
          .filter(({ name }) => name !== 'constructor')
          .map(({ name }) => `${file}: ${owner}.${name}`),
      ),
    )
}

test('every public member is read', () => {
  expect(unreadMembers(new Map([...code, ...tests]))).toEqual([])
})

test('a public method, getter or field that nobody reads is refused', () => {
  const source = `export class A {
  readonly kept = 1
  field: number | undefined
  constructor(given: number) {
    this.assigned = given
  }
  get getter(): number {
    return 1
  }
  async method<T>(a: T): Promise<void> {}
  #hidden() {}
}
export interface B {
  /** method, getter and field are named here. */
  asked(): void
  plain?: string
}
`
  const files = (more: string) =>
    new Map([
      ['lib/a.ts', source],
      ['test/a.test.ts', more],
    ])
  const all = ['A.kept', 'A.field', 'A.getter', 'A.method', 'B.asked', 'B.plain'].map((name) => `lib/a.ts: ${name}`)
  expect(unreadMembers(files(''))).toEqual(all)
  expect(unreadMembers(files("it('reads method, getter, kept')"))).toEqual(all)
  expect(unreadMembers(files('a.kept; a.method(); a?.getter; const { field, plain } = a; b.asked()'))).toEqual([])
})
