/** `npm run site` builds the documents; every link of every page has its target. The reference is that of the JSDoc. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { apiPages } from '../../../tools/site/api.ts'
import { buildSite } from '../../../tools/site/build.ts'
import { documents } from '../../../tools/site/pages.ts'

const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-site-test-'))
/** The HTML of each page, and the ids in it. */
const pages = new Map<string, { html: string; ids: Set<string> }>()

const decoded = (text: string) => decodeURIComponent(text.replaceAll('&amp;', '&'))

beforeAll(async () => {
  await buildSite(out)
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.html')) continue
    const html = readFileSync(join(out, name), 'utf8')
    pages.set(name, { html, ids: new Set([...html.matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => decoded(id))) })
  }
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

test('every document is a page', () => {
  const expected = documents().map((file) => (file === 'README.md' ? 'index.html' : file.replace(/\.md$/, '.html')))
  expect([...pages.keys()]).toEqual(expect.arrayContaining(expected))
})

test('every link of every page has its file and its heading', () => {
  const broken: string[] = []
  for (const [name, { html }] of pages) {
    if (name === '404.html') continue
    for (const [, target = ''] of html.matchAll(/<(?:a|img)\b[^>]* (?:href|src)="([^"]+)"/g)) {
      if (/^[a-z]+:/i.test(target)) continue
      const [path = '', anchor] = decoded(target).split('#')
      const wanted = path === '' ? name : path.startsWith('/') ? path.slice(1) : join(dirname(name), path)
      const file = wanted === '' || wanted.endsWith('/') ? `${wanted}index.html` : wanted
      const page = pages.get(file)
      if (page === undefined && !existsSync(join(out, file))) broken.push(`${name}: ${target}`)
      else if (anchor && page !== undefined && !page.ids.has(anchor)) broken.push(`${name}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

test('docs/api is what npm run api writes', async () => {
  const folder = join(root, 'docs/api')
  const expected = await apiPages()
  const written = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  const names = new Set([...expected.keys(), ...written.keys()])
  const stale = [...names].filter((name) => written.get(name) !== expected.get(name))
  expect(stale, 'The JSDoc of lib has changed: run npm run api, and commit docs/api').toEqual([])
})
