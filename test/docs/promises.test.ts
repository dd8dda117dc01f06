/** A promise in a document names its test in a comment, `<!-- test: file: title -->`, and that test exists. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { documents } from '../../tools/site/pages.ts'

/** The begin of a title, as it is written in its file; without one, the whole file. */
const NAMED = /<!-- test: (test\/[\w./-]+\.ts)(?:: (.+?))? -->/g

/** What is wrong with the tests that a text names. */
function wrong(text: string): string[] {
  return [...text.matchAll(NAMED)].flatMap(([, file = '', title]) => {
    if (!existsSync(join(root, file))) return [`${file} does not exist`]
    if (title === undefined) return []
    const source = readFileSync(join(root, file), 'utf8')
    const isThere = ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}`))
    return isThere ? [] : [`${file} has no test "${title}"`]
  })
}

test('each test that a document names exists', () => {
  for (const file of documents()) expect(wrong(readFileSync(join(root, file), 'utf8')), file).toEqual([])
})

test('a test that does not exist is reported', () => {
  const text = [
    '<!-- test: test/docs/promises.test.ts: a test that does not exist is reported -->',
    '<!-- test: test/docs/links.test.ts: no such title -->',
    '<!-- test: test/docs/gone.test.ts: any title -->',
  ].join('\n')
  expect(wrong(text)).toEqual([
    'test/docs/links.test.ts has no test "no such title"',
    'test/docs/gone.test.ts does not exist',
  ])
})

test.each([
  'README.md',
  'docs/first-steps.md',
  'docs/write.md',
  'docs/test.md',
  'docs/develop.md',
  'docs/how-it-works.md',
])('%s names tests for its promises', (file) => {
  const text = readFileSync(join(root, file), 'utf8')
  expect([...text.matchAll(NAMED)].length).toBeGreaterThanOrEqual(5)
  // A comment of another form would not be checked.
  expect(text.match(/<!-- test\b/g)).toHaveLength([...text.matchAll(NAMED)].length)
})

/** The items of a list of README.md, each with what is indented below it. */
function itemsBelow(heading: string): string[] {
  const section = readFileSync(join(root, 'README.md'), 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section.match(/^- .*(?:\n {2}.*)*/gm) ?? []
}

test.each(['What you get', 'Limits'])(
  'each item of "%s" in README.md names its test, or the page of the proofs',
  (heading) => {
    const items = itemsBelow(heading)
    expect(items.length).toBeGreaterThan(4)
    expect(items.filter((item) => !/<!-- test: |\(docs\/deploy\.md#how-it-is-known\)/.test(item))).toEqual([])
  },
)

test('each step of docs/first-steps.md names a test', () => {
  const steps = readFileSync(join(root, 'docs/first-steps.md'), 'utf8')
    .split(/^## (?=[1-6]\. )/m)
    .slice(1)
  expect(steps).toHaveLength(6)
  expect(steps.filter((step) => !step.includes('<!-- test: ')).map((step) => step.split('\n')[0])).toEqual([])
})
