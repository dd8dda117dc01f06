/** A plugin that keeps the code of the start in one file. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'
import { OWN, within } from '../../own.ts'

const NAMESPACE = 'on-demand-with-start'

/** Before the path of a module: other plugins, which know modules by their paths, must not take this one for it. */
const MARK = 'with-start:'

/** Whether a module says its exports in the syntax of ES modules: only then their names can be passed on. */
const isModule = (file: string) => /^\s*export\b/m.test(readFileSync(file, 'utf8'))

/**
 * The bundler makes a file of its own for the modules of each set of files that need them: with many files that are loaded on
 * demand, the code of the start is in dozens of pieces, and each costs a look-up and a read. Here what is loaded on demand comes
 * with the modules of `start`, so that all of it needs all of those, and these are one file. At that time `start` is loaded already.
 *
 * @param start the modules that the code of the start belongs to, with all that they import
 */
export function inOneFile(start: readonly string[]): Plugin {
  return {
    name: 'in-one-file',
    setup(build) {
      // An author's modules may be CommonJS, which cannot import.
      const own = within(OWN, '.*')
      const resolved = Symbol('resolved')
      build.onResolve({ filter: /./ }, async ({ path, importer, kind, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === resolved || !own.test(importer)) return undefined
        const found = await build.resolve(path, { kind, importer, resolveDir: dirname(importer), pluginData: resolved })
        // A package that is not installed: the bundler leaves it to the code around the import, which may do without.
        if (found.errors.length > 0) return undefined
        const isFile = !found.external && found.namespace === 'file'
        return isFile && !start.includes(found.path) ? { path: MARK + found.path, namespace: NAMESPACE } : found
      })
      build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => {
        const file = path.slice(MARK.length)
        const names = isModule(file) ? '*' : '{ default }'
        const lines = [
          `export ${names} from ${JSON.stringify(file)}`,
          ...start.map((one) => `import ${JSON.stringify(one)}`),
        ]
        return { contents: lines.join('\n'), loader: 'js', resolveDir: dirname(file) }
      })
    },
  }
}
