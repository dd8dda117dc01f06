/** The entries of a bundle, and the server that they serve. */
import { dirname, join, resolve } from 'node:path'
import type { Plugin } from 'esbuild'
import { OWN, packageOf, ROOT } from '../../own.ts'
import { shown } from '../../shown.ts'
import { CONVERTERS } from './schemas.ts'

/** By this name an entry imports the module of the server, which exports `server`, whichever file it is. */
export const SERVER = 'mcp-anywhere:server'

/** An entry: a file, or the text of one, whose imports of `mcp-anywhere/…` are those of this package. */
export type Entry = { file: string } | { source: string }

/** Modules that exist in a build only, as its messages name them. */
export const NAMESPACE = 'mcp-anywhere'

const ENTRY = 'mcp-anywhere:entry:'
const ENDING = '.entry.ts'

/** The entry points of a build with {@link served}. */
export const entryPointsOf = (entries: Readonly<Record<string, Entry>>): Record<string, string> =>
  Object.fromEntries(Object.keys(entries).map((name) => [name, `${ENTRY}${name}`]))

/** Resolves the names of the entries, and that of the server to the module of `server`, an absolute path. */
export function served(entries: Readonly<Record<string, Entry>>, server: string): Plugin {
  const namespace = NAMESPACE
  // The converters come first: an author's module may compile a schema.
  const contents = `
    import '${CONVERTERS}'
    import * as served from ${JSON.stringify(server)}
    import { serverOf } from './platform/served'
    export const server = await serverOf(served.server ?? served.default, ${JSON.stringify(shown(server))}, served.serving)`
  return {
    name: 'served',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => {
        const name = path.slice(ENTRY.length)
        const entry = entries[name]
        if (entry === undefined) return undefined
        return 'file' in entry ? { path: resolve(entry.file) } : { path: `${name}${ENDING}`, namespace }
      })
      build.onResolve({ filter: new RegExp(`^${SERVER}$`) }, () => ({ path: 'server', namespace }))
      // The entries of this project import their neighbour, which a setting may replace.
      build.onResolve({ filter: /^\.\/server\.ts$/ }, ({ importer }) =>
        dirname(importer) === join(ROOT, 'functions') && importer !== server
          ? { path: 'server', namespace }
          : undefined,
      )
      build.onLoad({ filter: /./, namespace }, ({ path }) => {
        if (path === 'server') return { contents, loader: 'js', resolveDir: OWN }
        const entry = entries[path.slice(0, -ENDING.length)]
        return entry && 'source' in entry ? { contents: entry.source, loader: 'ts', resolveDir: OWN } : undefined
      })
    },
  }
}

const SKIP = Symbol('an import of this package that was looked up')

/** Refuses a server that imports another copy of this package: the two would not know each other's classes. */
export const oneCopy: Plugin = {
  name: 'one-copy',
  setup(build) {
    build.onResolve({ filter: /^mcp-anywhere(\/|$)/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === SKIP) return
      const resolved = await build.resolve(path, { importer, kind, resolveDir, pluginData: SKIP })
      const other = resolved.errors.length === 0 ? packageOf(resolved.path)?.folder : undefined
      if (other === undefined || other === ROOT) return resolved
      const text = `There are two copies of mcp-anywhere: ${other}, which the server imports, and ${ROOT}, which has the command. Run the command as "npx mcp-anywhere" in the project; "npm dedupe" leaves one copy of several in it.`
      return { errors: [{ text }] }
    })
  },
}
