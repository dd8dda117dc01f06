/** What README.md says in figures, and the fences of every document that are no TypeScript. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { documents } from '../../tools/site/pages.ts'

const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Race {
  workload: string
  variants: { name: string; rate: { median: number } }[]
}

test('README.md has the ratio of tool calls to the official SDK that was measured', () => {
  const { races }: { races: Race[] } = JSON.parse(read('docs/performance.json'))
  const [, times] = /at least (\d+) times those of the SDK/.exec(read('README.md')) ?? []
  const ratios = races
    .filter(({ workload }) => workload === 'session' || workload === 'stateless')
    .flatMap(({ variants }) => {
      const ours = variants.find(({ name }) => name === 'ours')?.rate.median ?? 0
      return variants.filter(({ name }) => name.startsWith('SDK')).map(({ rate }) => ours / rate.median)
    })
  expect(ratios.length).toBeGreaterThan(2)
  expect(Math.min(...ratios)).toBeGreaterThanOrEqual(Number(times))
})

test('each claim of the comparison in README.md has its measurement, its source or its test', () => {
  const section = read('README.md').split('## Beside others\n')[1]?.split('\n## ')[0] ?? ''
  const [head = '', , ...rows] = section.split('\n').filter((line) => line.startsWith('|'))
  const cells = (row: string) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''))
  expect(rows.length).toBeGreaterThan(7)
  for (const row of rows) {
    const [subject, ...claims] = cells(row)
    expect(claims, subject).toHaveLength(cells(head).length - 1)
    // Each part of a claim ends with its mark.
    for (const claim of claims.flatMap((cell) => cell.split('; ')))
      expect(claim, subject).toMatch(/^not measured$|\[[mdt]\](?:\[[\w-]+\]|\(test\/[^)]+\))/)
  }
})

test('docs/alternatives.md names the versions that are measured', () => {
  const { servers } = JSON.parse(read('docs/alternatives.json')) as { servers: { name: string; version: string }[] }
  const { dependencies } = JSON.parse(read('test/more/migrate/package.json'))
  const known = new Set([...Object.values(dependencies), JSON.parse(read('package.json')).version])
  for (const { name, version } of servers) {
    expect(read('docs/alternatives.md'), name).toContain(`| ${name} | ${version} |`)
    expect(known, name).toContain(version)
  }
})

/** The fences of a document: language, code, and the line of the first fence mark. */
function fences(text: string) {
  return [...text.matchAll(/^([ \t]*)```(\S*)[^\n]*\n([\s\S]*?)^\1```/gm)].map(([, , language = '', code = '']) => ({
    language,
    code,
  }))
}

const all = documents()
  .filter((file) => !file.startsWith('docs/api/'))
  .flatMap((file) => fences(read(file)).map((fence) => ({ file, ...fence })))

test('every fence of a document is closed, and every fence of JSON is JSON', () => {
  for (const file of documents()) expect((read(file).match(/^[ \t]*```/gm) ?? []).length % 2, file).toBe(0)
  const json = all.filter(({ language }) => language === 'json')
  expect(json.length).toBeGreaterThan(1)
  for (const { file, code } of json) expect(() => JSON.parse(code), `${file}: ${code}`).not.toThrow()
})

test('commands of documents exist: of npm, and of mcp-anywhere', () => {
  const { scripts } = JSON.parse(read('package.json'))
  // A project that npm create wrote has scripts of its own, with the same names or these.
  const commands = [...read('lib/cli/main.ts').matchAll(/^ {2}(\w+): \(\) => import/gm)].map(([, name]) => name)
  expect(commands).toContain('serve')
  const { scripts: own } = JSON.parse(read('create/template/package.json'))
  for (const file of documents()) {
    const text = read(file)
    for (const [, name = ''] of text.matchAll(/\bnpm run (\w+(?::\w+)*)/g))
      expect([...Object.keys(scripts), ...Object.keys(own)], `${file}: npm run ${name}`).toContain(name)
    for (const [, name = ''] of text.matchAll(/npx mcp-anywhere ([a-z]+)\b/g))
      expect(commands, `${file}: mcp-anywhere ${name}`).toContain(name)
  }
})

test('scripts that documents start with node exist', () => {
  for (const { file, language, code } of all) {
    if (language !== 'sh') continue
    for (const [, path = ''] of code.matchAll(/\bnode (?:--test )?((?:examples|functions|tools|lib)\/[\w./-]+)/g))
      expect(existsSync(join(root, path)), `${file}: ${path}`).toBe(true)
  }
})
