/** Which locks get new releases by themselves, and the forms that people fill in. */
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../tools/build.ts'

/** Checks that use certain releases: old ones on purpose, public servers that diffs apply to, and programs as they were tried. */
const KEPT = [
  'build',
  'frameworks',
  'migrate',
  'ports',
  'runtimes',
  'schemas',
  'sdk-releases',
  'serve',
  'typescript',
].map((name) => `/test/more/${name}`)

interface Update {
  'package-ecosystem': string
  directory?: string
  directories?: string[]
  schedule: { interval: string }
}

const read = (path: string) => parse(readFileSync(join(root, '.github', path), 'utf8'))

test('every lock gets updates, or is one whose releases are chosen', () => {
  const { version, updates } = read('dependabot.yml') as { version: number; updates: Update[] }
  expect(version).toBe(2)
  const npm = updates.filter((update) => update['package-ecosystem'] === 'npm')
  const updated = npm.flatMap(({ directory, directories }) => directories ?? directory ?? [])
  const locks = globSync('{.,test/**}/package-lock.json', { cwd: root, exclude: ['**/node_modules/**'] })
  const folders = locks.map((lock) => `/${dirname(lock)}`.replace(/^\/\.$/, '/'))
  expect([...updated, ...KEPT].sort()).toEqual(folders.sort())
  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'npm', 'github-actions', 'docker'])
})

/** Of GitHub's syntax for issue forms. */
const KINDS = ['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']

test('the issue forms have what GitHub needs', () => {
  const forms = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml')
  expect(forms.sort()).toEqual(['bug.yml', 'feature.yml'])
  for (const name of forms) {
    const { name: title, description, body } = read(`ISSUE_TEMPLATE/${name}`)
    expect([title, description], name).toEqual([expect.any(String), expect.any(String)])
    const ids = body.flatMap(({ id }: { id?: string }) => id ?? [])
    expect(new Set(ids).size, name).toBe(ids.length)
    for (const { type, attributes } of body) {
      expect(KINDS, name).toContain(type)
      if (type === 'markdown') expect(attributes.value).toEqual(expect.any(String))
      else expect(attributes.label, name).toEqual(expect.any(String))
      if (type === 'dropdown' || type === 'checkboxes') expect(attributes.options.length, name).toBeGreaterThan(0)
    }
  }
  expect(read('ISSUE_TEMPLATE/config.yml')).toEqual({ blank_issues_enabled: false })
})
