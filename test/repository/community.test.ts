/** What somebody finds who wants to report, ask or change something: it exists, and agrees with the rest of the repository. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')
const { version, engines, scripts } = JSON.parse(read('package.json')) as {
  version: string
  engines: { node: string }
  scripts: Record<string, string>
}

test('SECURITY.md has a private way to report, and names the versions that get fixes', () => {
  const text = read('SECURITY.md')
  expect(text).toContain('"Report a vulnerability"')
  const rows = text.split('\n').filter((line) => /^\| [^v-]/.test(line))
  expect(rows.map((row) => row.split('|')[2]?.trim().split(/\W/)[0])).toEqual(['yes', 'no'])
  const [major] = version.split('.')
  expect(rows[0]).toContain(`(${major}.x)`)
  const [node] = /\d+/.exec(engines.node) ?? []
  expect(text).toContain(`Node ${node}`)
  const [, redis] = /^const OLDEST = '([\d.]+)'/m.exec(read('lib/store/redis/contact.ts')) ?? []
  expect(text).toContain(`Redis ${redis}`)
})

test('CODE_OF_CONDUCT.md says what has no place, whom to write to, and what follows', () => {
  const text = read('CODE_OF_CONDUCT.md')
  for (const part of ['have no place here', '**If something happens**', 'Maintainers may']) expect(text).toContain(part)
})

test('the template of pull requests asks for the scripts that a change has to pass', () => {
  const named = [...read('.github/PULL_REQUEST_TEMPLATE.md').matchAll(/`npm (?:run )?(\w+)`/g)].map(([, name]) => name)
  expect(named).toEqual(['lint', 'types', 'test'])
  for (const name of named) expect(scripts).toHaveProperty(name ?? '')
})

test('CHANGELOG.md has the form of Keep a Changelog, and the newest version first', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^(##+) (.*)$/gm)].map(([, level = '', title = '']) => ({
    level,
    title,
  }))
  const versions = headings.filter(({ level }) => level === '##').map(({ title }) => title)
  expect(versions[0]).toBe('[Unreleased]')
  for (const title of versions.slice(1)) expect(title).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/)
  const kinds = headings.filter(({ level }) => level === '###').map(({ title }) => title)
  expect(kinds.length).toBeGreaterThan(0)
  for (const kind of kinds) expect(['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']).toContain(kind)
})

test('the nightly workflow gives its programs options that they have', () => {
  const runs = [...read('.github/workflows/nightly.yml').matchAll(/run: npm run (\w+) -- (.*)$/gm)]
  expect(runs.map(([, name]) => name)).toEqual(['nemesis', 'fuzz'])
  for (const [, name = '', args = ''] of runs) {
    const program = read(scripts[name]?.split(' ').at(-1) ?? '')
    for (const [, option] of args.matchAll(/--(\w+)/g))
      expect(program).toMatch(new RegExp(`^ {4}${option}: \\{ type:`, 'm'))
  }
})
