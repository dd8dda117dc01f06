/** The declarations of the installed package, read by the compilers and with the settings that projects begin with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const VERSIONS = ['5.9', '7']
/** What a project of an author has beside the package. The types of the official client need those of Node. */
const PACKAGES: [text: string, packages: string[], args: string[]][] = [
  ['without @types/node', ['zod'], []],
  [
    'with @types/node and the official client',
    ['zod', '@modelcontextprotocol', 'eventsource', 'eventsource-parser', '@types/node', 'undici-types'],
    ['--types', 'node'],
  ],
]

/** A file that imports each entry of the package whose optional peers a project has. */
function everyEntry(withClient: boolean): string {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }
  const entries = Object.keys(exports).filter((entry) => withClient || entry !== './testing')
  return entries.map((entry, i) => `export * as entry${i} from 'mcp-anywhere${entry.slice(1)}'\n`).join('')
}

for (const version of VERSIONS) {
  for (const [text, packages, types] of PACKAGES) {
    test(`TypeScript ${version} with the settings of tsc --init compiles a server, ${text}`, async () => {
      const files = { 'every-entry.ts': everyEntry(packages.includes('@modelcontextprotocol')) }
      const cwd = await project({ check: 'typescript', packages, files })
      const tsc = join(await installed('typescript'), `node_modules/typescript-${version}/bin/tsc`)
      const compile = (...args: string[]) => run(process.execPath, [tsc, '--pretty', 'false', ...args], { cwd })
      await compile('--init')
      expect(await compile('--noEmit', ...types)).toBe('')
      expect(await compile('--noEmit', ...types, '--skipLibCheck', 'false')).toBe('')
      // The settings include `declaration`: each type that the server exports has a name that its own users can reach.
      expect(await compile('--outDir', 'out', ...types)).toBe('')
    })
  }
}
