/** The page in a bundle: with its files, which are built, or without all of it. */
import type { Plugin } from 'esbuild'
import { OWN, within } from '../../own.ts'

/** Replaces the module that builds the files. The published package has them built. */
const filesBuilt: Plugin = {
  name: 'page-files',
  setup(build) {
    build.onLoad({ filter: within(OWN, 'page/files\\.ts') }, async () => ({
      contents: await builtFiles(),
      loader: 'js',
    }))
  },
}

let built: Promise<string> | undefined

/** Once for each process: `dev` bundles again and again. */
function builtFiles(): Promise<string> {
  built ??= import('../../../page/build.ts').then(async ({ buildPage, filesModule }) => filesModule(await buildPage()))
  return built
}

const MISSING = 'PAGE is 1, and this bundle has no page: it has to be built with PAGE=1, too.'

const leftOut: Plugin = {
  name: 'no-page',
  setup(build) {
    const contents = `export const page = { routes() { throw new TypeError(${JSON.stringify(MISSING)}) } }`
    build.onLoad({ filter: within(OWN, 'page/routes\\.[jt]s') }, () => ({ contents, loader: 'js' }))
  },
}

/** @param has whether the bundle has the page, which is loaded with the first browser that asks for it */
export function page(has: boolean): Plugin {
  return has ? filesBuilt : leftOut
}
