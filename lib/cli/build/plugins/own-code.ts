/** Plugins for the code of this package, be it the source or what is compiled from it. */
import type { Plugin } from 'esbuild'
import { OWN, within } from '../../own.ts'
import { rewriting } from './rewriting.ts'

/**
 * Every entry passes a store to createEndpoint, and loads the memory store only where it is used. The default of
 * createEndpoint would load it always.
 */
export const noDefaultStore: Plugin = {
  name: 'no-default-store',
  setup(build) {
    const namespace = 'no-default-store'
    const importers = within(OWN, '(endpoint|index)\\.[jt]s')
    build.onResolve({ filter: /^\.\/store\/memory\/index\.[jt]s$/ }, ({ importer }) =>
      importers.test(importer) ? { path: 'memory', namespace } : undefined,
    )
    const message = 'In a bundle createEndpoint needs a store.'
    build.onLoad({ filter: /./, namespace }, () => ({
      contents: `export function memoryStore() { throw new Error('${message}') }`,
    }))
  },
}

/** Removes the indentation and the comments of the Lua scripts. */
export const outdented = rewriting('outdented', within(OWN, 'store/redis/scripts/\\w+\\.[jt]s'), (text) =>
  text.replace(/\n +(-- .*)?/g, '\n'),
)
