/** An instance of a fleet that has a process of the program for each session. */
import { join } from 'node:path'
import { isolateDispatcher } from '../../../lib/cli/serve/isolate/open.ts'

const bounds = JSON.parse(process.env.ISOLATE ?? '{}')

export const server = isolateDispatcher({
  command: process.execPath,
  args: [join(import.meta.dirname, 'program.mjs')],
  cwd: import.meta.dirname,
  env: process.env,
  name: 'the program',
  ...bounds,
})
