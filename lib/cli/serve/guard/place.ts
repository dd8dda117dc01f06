/** Where in a program something happened. */
import { fileURLToPath } from 'node:url'
import { shown } from '../../shown.ts'

const FRAME = /(?:\(|at )(file:\/\/\S+|\/\S+|[A-Z]:\\\S+):(\d+):\d+\)?$/

/** ` (dist/index.js:12)` for the first line of the stack that is not in this folder; empty where there is none. */
export function placeOf({ stack = '' }: Error): string {
  for (const line of stack.split('\n')) {
    const [, file = '', row] = FRAME.exec(line) ?? []
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    if (path !== '' && !path.startsWith(import.meta.dirname)) return ` (${shown(path)}:${row})`
  }
  return ''
}
