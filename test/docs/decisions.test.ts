/** docs/decisions: every decision is in the index, dated and complete. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const folder = join(import.meta.dirname, '../../docs/decisions')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const names = readdirSync(folder).filter((name) => name !== 'README.md')

test('the index has every decision with its date and its title', () => {
  const rows = names.map((name) => {
    const [, title = ''] = /^# (.+)$/m.exec(read(name)) ?? []
    return `| ${name.slice(0, 10)} | [${title}](${name}) |`
  })
  expect(
    read('README.md')
      .split('\n')
      .filter((line) => /^\| \d/.test(line)),
  ).toEqual(rows)
})

test.each(names)('%s says context, decision, alternatives and consequences in at most 40 lines', (name) => {
  const text = read(name)
  expect(text).toContain(`\nDate: ${name.slice(0, 10)}\n`)
  expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual([
    'Context',
    'Decision',
    'Alternatives',
    'Consequences',
  ])
  expect(text.split('\n').length).toBeLessThanOrEqual(40)
})
