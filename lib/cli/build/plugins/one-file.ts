/** A plugin that keeps the code of the start in one file. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'
import { OWN, within } from '../../own.ts'

/**
 * The bundler makes a file of its own for the modules of each set of files that need them: with many files that are loaded on
 * demand, the code of the start is in dozens of pieces, and each costs a read. Here every module that is loaded on demand
 * imports `start`, so that all of them need all modules of the start, and these are one file. At that time `start` is loaded
 * already.
 *
 * @param start the module that all code of the start belongs to
 */
export function inOneFile(start: string): Plugin {
  return {
    name: 'in-one-file',
    setup(build) {
      const targets = new Set<string>()
      // An author's modules may be CommonJS, which cannot import.
      const own = within(OWN, '.*')
      const resolved = Symbol('resolved')
      build.onResolve({ filter: /^\.\.?\// }, async ({ path, importer, kind, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === resolved || !own.test(importer)) return undefined
        const found = await build.resolve(path, { kind, importer, resolveDir: dirname(importer), pluginData: resolved })
        if (found.errors.length === 0 && !found.external && found.path !== start) targets.add(found.path)
        return found
      })
      build.onLoad({ filter: /\.[jt]s$/, namespace: 'file' }, ({ path }) =>
        targets.has(path)
          ? {
              contents: `${readFileSync(path, 'utf8')}\nimport ${JSON.stringify(start)}\n`,
              loader: path.endsWith('.ts') ? 'ts' : 'js',
            }
          : undefined,
      )
    },
  }
}
