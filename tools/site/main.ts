/** Writes the site of the documents into dist/site: `npm run site`. `-- --out folder`, and `-- --base /path/` for a site that is below a path. */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../build.ts'
import { buildSite } from './build.ts'

const { values } = parseArgs({ options: { out: { type: 'string' }, base: { type: 'string' } } })
const out = resolve(values.out ?? join(root, 'dist/site'))
await buildSite(out, values.base)
console.log(`${out} has the site. Any web server serves it: npx serve ${out}`)
