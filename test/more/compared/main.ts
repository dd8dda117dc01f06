/** Measures what docs/alternatives.md shows, and writes it there and into docs/alternatives.json: `npm run compare`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../tools/build.ts'
import { comparison, table } from './comparison.ts'

const measured = await comparison()
writeFileSync(join(root, 'docs/alternatives.json'), `${JSON.stringify(measured, undefined, 2)}\n`)
const document = join(root, 'docs/alternatives.md')
const text = readFileSync(document, 'utf8')
writeFileSync(
  document,
  text.replace(/(<!-- npm run compare -->\n)[\s\S]*?(<!-- \/npm run compare -->)/, `$1${table(measured)}\n$2`),
)
// Clients of processes that were killed still wait.
process.exit()
