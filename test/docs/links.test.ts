/** Every document is listed, and every link within the repository has its file and its heading. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { anchorsOf, isExternal, linksOf, resolved } from '../../tools/site/links.ts'
import { documents, groups } from '../../tools/site/pages.ts'

const files = documents()
const textOf = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))

const headings = new Map<string, Set<string>>()

/** The anchors of a document, computed once. */
function anchorsIn(text: string): Set<string> {
  const known = headings.get(text) ?? anchorsOf(text)
  headings.set(text, known)
  return known
}

/** The links of a document that have no target, each as `file:line target`. */
function broken(file: string, text: string): string[] {
  return linksOf(text).flatMap(({ target, line }) => {
    if (isExternal(target)) return []
    const { path, anchor } = resolved(file, target)
    const there = path === file ? text : textOf.get(path)
    const isThere = there !== undefined || existsSync(join(root, path))
    const hasHeading = anchor === undefined || (there !== undefined && anchorsIn(there).has(anchor))
    return isThere && hasHeading ? [] : [`${file}:${line} ${target}`]
  })
}

test('every relative link of every document has a file and a heading', () => {
  expect(files.length).toBeGreaterThan(40)
  expect([...textOf].flatMap(([file, text]) => broken(file, text))).toEqual([])
})

test('a broken link is reported with its line', () => {
  const text =
    '# One\n\n[gone](gone.md) [two](#two) [one](#one) `[code](x.md)`\n\n```\n[fence](y.md)\n```\n[ref][r]\n\n[r]: z.md\n'
  expect(broken('docs/wrong.md', text)).toEqual([
    'docs/wrong.md:3 gone.md',
    'docs/wrong.md:3 #two',
    'docs/wrong.md:10 z.md',
  ])
})

test('links with a name in brackets have a definition', () => {
  for (const [file, text] of textOf) {
    if (file.startsWith('docs/api/')) continue
    const defined = new Set([...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, name]) => name))
    const used = [...text.matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name)
    expect(
      used.filter((name) => !defined.has(name)),
      file,
    ).toEqual([])
  }
})

test('docs/README.md lists every document of the folder', () => {
  const listed = groups().flatMap(({ pages }) => pages.map(({ file }) => file))
  const missing = files.filter(
    (file) => /^docs\/(?:api\/)?[\w-]+\.md$/.test(file) && file !== 'docs/README.md' && !listed.includes(file),
  )
  expect(missing).toEqual([])
  for (const file of listed) expect(files, file).toContain(file)
})

test('no line of a document begins with a tag that is no HTML', () => {
  // It would be a block of HTML, and the text after it no Markdown.
  const known = /^\s*<(?:!--|\/?(?:a|br|details|img|p|picture|source|sub|summary)\b)/
  for (const [file, text] of textOf) {
    const prose = text.replace(/^([ \t]*)(```+)[\s\S]*?^\1\2[ \t]*$/gm, '')
    const lines = prose.split('\n').filter((line) => /^\s*<[/a-z!]/i.test(line) && !known.test(line))
    expect(lines, file).toEqual([])
  }
})
