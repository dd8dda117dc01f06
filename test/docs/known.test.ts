/** docs/deploy.md says of each statement how it is known: the tests exist, and so do the lines of `mcp-anywhere check`. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'

const document = readFileSync(join(root, 'docs/deploy.md'), 'utf8')
const checks = readFileSync(join(root, 'lib/cli/check/check.ts'), 'utf8')

/** The cells of the first table below a heading, without its head. */
function rowsBelow(heading: string): string[][] {
  const section = document.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))
}

const known = rowsBelow('How it is known')
const first = rowsBelow('After the first deployment')

test('every statement was run by a test that exists, is on a page, or is to be checked', () => {
  expect(known.length).toBeGreaterThan(15)
  for (const [statement, by = ''] of known)
    expect(by, statement).toMatch(/\btest\/|\]\(https:|to be checked|pages of the commands/)
  const paths = known.flatMap(([, by = '']) => [...by.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path))
  expect(paths.length).toBeGreaterThan(10)
  for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true)
})

test('every line of check that the document names is one that the command prints', () => {
  const quoted = [...known.map(([, by = '']) => by), ...first.map(([, how = '']) => how)].flatMap((cell) =>
    [...cell.matchAll(/"([^"]+)"/g)].map(([, line = '']) => line),
  )
  expect(quoted.length).toBeGreaterThan(6)
  for (const line of quoted) expect(checks).toContain(`'${line}`)
})
