/**
 * Counts code: lines that hold more than comment, for each folder and in total. `npm run count -- [root]`, where `root`
 * is another checkout.
 */
import { dirname, join } from 'node:path'
import { sources, strip } from './source.ts'

/** The folders whose sum a change must not raise without need; the tests are counted apart. */
const COUNTED = ['lib', 'functions', 'tools', 'examples']

/** The texts of the settings' table are documentation. */
const SETTING_TEXT = /\btext:\s*(?:'(?:\\.|[^'\\\n])*'|`[^`]*`),?/g

export function codeLines(source: string, file = ''): number {
  const code = /^lib\/settings(-calls)?\.ts$/.test(file) ? strip(source).replace(SETTING_TEXT, '') : strip(source)
  return code.match(/^.*\S.*$/gm)?.length ?? 0
}

if (process.argv[1] === import.meta.filename) {
  const root = process.argv[2] ?? join(import.meta.dirname, '..')
  const lines: Record<string, number> = {}
  for (const [file, source] of sources(root, [...COUNTED, 'test'])) {
    const [top = ''] = file.split('/')
    for (const name of [dirname(file), `= ${top}`, ...(top === 'test' ? [] : [`= ${COUNTED.join(' + ')}`])])
      lines[name] = (lines[name] ?? 0) + codeLines(source, file)
  }
  for (const [name, count] of Object.entries(lines).sort()) console.log(String(count).padStart(6), name)
}
