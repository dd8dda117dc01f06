/** Writes docs/recording.json and docs/recording.svg from one real run: `npm run recording`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../build.ts'
import { record } from './record.ts'
import { render } from './render.ts'

const recording = await record({ pages: 8, milliseconds: 600, killAfter: 3, lease: 2 })
writeFileSync(join(root, 'docs/recording.json'), `${JSON.stringify(recording, undefined, 2)}\n`)
writeFileSync(join(root, 'docs/recording.svg'), render(recording))
