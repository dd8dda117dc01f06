/** The documents that a new reader meets are in plain English: the subject of a sentence is a noun, and software does not speak. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'

const DOCUMENTS = [
  'README.md',
  'docs/first-steps.md',
  'docs/write.md',
  'docs/migrate.md',
  'docs/durable.md',
  'docs/test.md',
  'docs/develop.md',
  'docs/how-it-works.md',
  'docs/compatibility.md',
  'docs/alternatives.md',
  'docs/comparison.md',
  'docs/deploy.md',
  'docs/operate.md',
  'docs/security.md',
  'docs/glossary.md',
  'docs/official-servers.md',
  'docs/page.md',
  'docs/package.md',
  'docs/connect.md',
]

/** The text without code, comments and quotations, on the same lines. */
function prose(text: string): string {
  const blank = (part: string) => part.replace(/[^\n]/g, ' ')
  return text
    .replace(/^([ \t]*)(```+)[\s\S]*?^\1\2[ \t]*$/gm, blank)
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/^>.*$/gm, blank)
    .replace(/`[^`\n]+`|"[^"\n]+"/g, (code) => code.replace(/\w/g, 'x'))
}

/** At the begin of a paragraph, an item or a cell, and after the end of a sentence. */
const BEGINS = /(?:\n\n|^ *[-*] |^\d+\. |[.!?]\s+|\| +)\**(?:It|One|What|Who)\b.*/gm
const SPEAKS = /\b(?:told|tells?|knows|knew|said|says?)\b.*/g

/** What a reader of `text` would have to read twice, each as `line: begin`. */
function wrong(text: string): string[] {
  const words = prose(text)
  return [BEGINS, SPEAKS].flatMap((pattern) =>
    [...words.matchAll(pattern)].map(({ index, 0: found }) => {
      const sentence = found.replace(/^\W+/, '')
      const line = words.slice(0, index + found.length - sentence.length).split('\n').length
      return `${line}: ${sentence.slice(0, 60)}`
    }),
  )
}

test.each(DOCUMENTS)('%s has no sentence without a subject, and nothing that speaks but people', (file) => {
  expect(wrong(readFileSync(join(root, file), 'utf8'))).toEqual([])
})

test('such a sentence is reported with its line', () => {
  const text =
    '# It\n\nWhat is read\n- It is here. The store knows `says`.\n\nA line with\nIt in it, "It says".\nEnds.\nWho\n'
  expect(wrong(text)).toEqual([
    '3: What is read',
    '4: It is here. The store knows `xxxx`.',
    '9: Who',
    '4: knows `xxxx`.',
  ])
})
