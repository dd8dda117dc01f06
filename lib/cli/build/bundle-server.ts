/**
 * Bundles a server with the entry that serves it: the same way for `dev`, `start`, `build`, the image and Lambda, so that
 * what was developed is what is deployed.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { BuildContext, BuildOptions, Metafile, Plugin } from 'esbuild'
import { loadEsbuild, withFailures } from './esbuild.ts'
import {
  compactCommands,
  errorNames,
  leftOut,
  methodsAtOnce,
  noDefaultStore,
  ON_DEMAND,
  onDemand,
  onDemandSource,
  outdented,
} from './plugins.ts'
import { leanRedis } from './redis.ts'

/** By this name an entry imports the module of the server, whichever file it is. */
export const SERVER = 'mcp-anywhere:server'

/** The folder of this package: `lib`, or `dist` where it is installed. */
const OWN = dirname(dirname(import.meta.dirname))

/** An entry: a file, or the text of one, whose imports of `mcp-anywhere/…` are those of this package. */
export type Entry = { file: string } | { source: string }

export interface BundleOptions {
  /** The file that exports the server, which an entry imports as {@link SERVER}. */
  server: string
  /** By the names of their files in `outdir`, without the ending `.mjs`. */
  entries: Readonly<Record<string, Entry>>
  /** An absolute path; the folder is emptied first. */
  outdir: string
  /** Default: true. */
  minify?: boolean
  /** Come before those of the bundle. */
  plugins?: readonly Plugin[]
}

export interface Bundled {
  metafile: Metafile
  /** The files that were read, as absolute paths. */
  inputs: string[]
}

export interface ServerContext {
  /**
   * Bundles again, from what has changed.
   *
   * @throws Failure with file, line and reason; the files in `outdir` are then those of the build before
   */
  rebuild(): Promise<Bundled>
  dispose(): Promise<void>
}

/**
 * CommonJS packages inside the bundle load Node's modules with `require`. A declaration of that name would collide with one
 * in the code of an author.
 */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; globalThis.require ??= __createRequire(import.meta.url);"

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  // Names and lines are enough for stack traces; the sources themselves would be most of the deployed bytes.
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'silent',
} satisfies BuildOptions

const MODULES = {
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  splitting: true,
  format: 'esm',
  banner: { js: REQUIRE },
} satisfies BuildOptions

/**
 * Prepares an incremental build.
 *
 * @throws Failure where esbuild is missing
 */
export async function bundleContext(options: BundleOptions): Promise<ServerContext> {
  const { entries, outdir, server, minify = true, plugins = [] } = options
  const esbuild = await loadEsbuild()
  const absWorkingDir = process.cwd()
  const shorter = [compactCommands, errorNames, outdented]
  const redis = [leanRedis, leftOut, methodsAtOnce, noDefaultStore, onDemand]
  const all = [...plugins, entriesPlugin(entries, server), ...shorter, ...redis]
  const entryPoints = Object.fromEntries(Object.keys(entries).map((name) => [name, `${ENTRY}${name}`]))
  const common = { ...COMMON, absWorkingDir, minify }
  rmSync(outdir, { recursive: true, force: true })
  mkdirSync(outdir, { recursive: true })
  const stdin = { contents: onDemandSource, resolveDir: OWN }
  const outfile = join(outdir, ON_DEMAND)
  const contexts: BuildContext<typeof COMMON>[] = await Promise.all([
    esbuild.context({ ...common, ...MODULES, entryPoints, outdir, plugins: all }),
    esbuild.context({ ...common, stdin, outfile, format: 'cjs', plugins: shorter }),
  ])
  const [main, more] = contexts as [BuildContext<typeof COMMON>, BuildContext<typeof COMMON>]
  return {
    async rebuild() {
      const [{ metafile }, others] = await Promise.all([withFailures(() => main.rebuild()), more.rebuild()])
      return {
        metafile: {
          inputs: { ...metafile.inputs, ...others.metafile.inputs },
          outputs: { ...metafile.outputs, ...others.metafile.outputs },
        },
        inputs: Object.keys(metafile.inputs).flatMap((name) =>
          /^[\w-]{2,}:/.test(name) ? [] : [resolve(absWorkingDir, name)],
        ),
      }
    },
    dispose: async () => void (await Promise.all(contexts.map((context) => context.dispose()))),
  }
}

/**
 * Bundles once.
 *
 * @throws Failure where esbuild is missing, and with file, line and reason of an error
 */
export async function bundleServer(options: BundleOptions): Promise<Bundled> {
  const context = await bundleContext(options)
  try {
    return await context.rebuild()
  } finally {
    await context.dispose()
  }
}

const ENTRY = 'mcp-anywhere:entry:'

/** The entries by their names, and the module of the server. */
function entriesPlugin(entries: BundleOptions['entries'], server: string): Plugin {
  return {
    name: 'entries',
    setup(build) {
      const namespace = 'mcp-anywhere'
      build.onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => {
        const name = path.slice(ENTRY.length)
        const entry = entries[name]
        if (entry === undefined) return undefined
        return 'file' in entry ? { path: resolve(entry.file) } : { path: `${name}.ts`, namespace }
      })
      build.onLoad({ filter: /./, namespace }, ({ path }) => {
        const entry = entries[path.replace(/\.ts$/, '')]
        return entry && 'source' in entry ? { contents: entry.source, loader: 'ts', resolveDir: OWN } : undefined
      })
      const path = isAbsolute(server) ? server : resolve(server)
      build.onResolve({ filter: new RegExp(`^${SERVER}$`) }, () => ({ path }))
    },
  }
}
