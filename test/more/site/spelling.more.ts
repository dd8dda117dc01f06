/** The words of the documents are those of a dictionary or of docs/words.txt. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { documents } from '../../../tools/site/pages.ts'
import { installed } from '../support/installed.ts'

const words = readFileSync(join(root, 'docs/words.txt'), 'utf8')
  .split('\n')
  .filter((word) => word !== '' && !word.startsWith('#'))

/** The words that the dictionaries lack, each as `file:line word`. */
async function unknown(files: readonly string[]): Promise<string[]> {
  const program = join(await installed('site'), 'node_modules/cspell/bin.mjs')
  const config = join(import.meta.dirname, 'cspell.json')
  const args = [program, 'lint', '--config', config, '--no-progress', '--no-summary', '--no-color', ...files]
  // An exit code other than 0 rejects: the words are in `stdout`.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      if (!error.stdout) throw new Error(error.stderr || String(error))
      return { stdout: error.stdout }
    },
  )
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^(.*?):(\d+):\d+ - Unknown word \(([^)]*)\).*$/, '$1:$2 $3'))
}

test('every word of every document is known', async () => {
  expect(await unknown(documents())).toEqual([])
})

test('a wrong word is reported with its line', async () => {
  const found = await unknown(['test/more/site/wrong.txt'])
  expect(found.map((line) => line.replace(/^.*?([\w.]+:\d+ )/, '$1'))).toEqual(['wrong.txt:2 docunemts'])
})

test('the list of words is sorted and has no word twice', () => {
  const lower = words.map((word) => word.toLowerCase())
  expect(lower).toEqual([...new Set(lower)].toSorted())
})
