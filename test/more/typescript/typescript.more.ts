/** The declarations of the installed package, read by the compilers and with the settings that projects begin with. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'

const VERSIONS = ['5.9', '7']
/** What a project of an author has beside the package. */
const PACKAGES: [text: string, packages: string[], args: string[]][] = [
  ['without @types/node', ['zod'], []],
  ['with @types/node', ['zod', '@types/node', 'undici-types'], ['--types', 'node']],
]

for (const version of VERSIONS) {
  for (const [text, packages, types] of PACKAGES) {
    test(`TypeScript ${version} with the settings of tsc --init compiles a server, ${text}`, async () => {
      const cwd = await project({ check: 'typescript', packages })
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
