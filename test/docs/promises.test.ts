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
