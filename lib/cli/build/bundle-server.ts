/**
 * Bundles a server with the entry that serves it: the same way for `dev`, `start`, `build`, the image and Lambda, so that
 * what was developed is what is deployed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BuildOptions, Message, Metafile, Plugin } from 'esbuild'
import { Failure } from '../command.ts'
import { exportsOf, lineOf, loadEsbuild, withFailures } from '../esbuild.ts'
import { OWN } from '../own.ts'
import { shown } from '../shown.ts'
import { builtins } from './plugins/builtins.ts'
import { compactCommands } from './plugins/commands.ts'
import { type External, externalPackages, nativeFiles } from './plugins/external.ts'
import { leanRedis } from './plugins/lean-redis.ts'
import { inside, outlined, outlinedSource } from './plugins/outlined.ts'
import { noDefaultStore, outdented } from './plugins/own-code.ts'
import { page } from './plugins/page.ts'
import { RARELY_USED, rarelyUsed, rarelyUsedSource } from './plugins/rarely-used.ts'
import {
  errorNames,
  leftOut,
  methodsAtOnce,
  ON_DEMAND,
  onDemand,
  onDemandSource,
  unmarked,
} from './plugins/redis-client.ts'
import { leanDecoder, wholeDecoder } from './plugins/redis-decoder.ts'
import { Converters, SCHEMAS, schemasOnDemand, schemasSource } from './plugins/schemas.ts'
import { type Entry, entryPointsOf, NAMESPACE, oneCopy, served } from './plugins/served.ts'

export { SERVER } from './plugins/served.ts'

interface BundleOptions {
  /** The file that exports the server, which an entry imports as {@link SERVER}. */
  server: string
  /** By the names of their files in `outdir`, without the ending `.mjs`. */
  entries: Readonly<Record<string, Entry>>
  /** Files of an earlier build with the same names are replaced; those with other names stay. */
  outdir: string
  /** Default: true. */
  minify?: boolean
  /**
   * Where packages with native code are when the bundle runs. `here`, the default: where they are now, for a bundle that runs on
   * this machine. `beside`: installed beside it, for one that is deployed.
   */
  natives?: 'here' | 'beside'
  /** Whether the page for people is in it. Default: true. */
  hasPage?: boolean
  /** Come before those of the bundle. */
  plugins?: readonly Plugin[]
}

export interface Bundled {
  metafile: Metafile
  /** The files that were read, as absolute paths. */
  inputs: string[]
  /** Packages with native code, which are not in the bundle. */
  externals: External[]
  /** Native modules (`.node`) that were copied into `outdir`, as absolute paths of the originals. */
  nativeFiles: string[]
  /** What esbuild says about the author's files, one line each. */
  warnings: string[]
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
 * CommonJS packages inside the bundle load Node's modules with `require`, and look for their folder. A declaration of such a
 * name would collide with one in the code of an author.
 */
const COMMON_JS =
  "import{createRequire as __r}from'node:module';" +
  'Object.assign(globalThis,{require:__r(import.meta.url),__dirname:import.meta.dirname,__filename:import.meta.filename})'

/** The settings of every build, also of those without a server. */
export const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  // Names and lines are enough for stack traces; the sources themselves would be most of the deployed bytes.
  sourcesContent: false,
  legalComments: 'none',
  // Node prints the line of an exception that nobody catches.
  lineLimit: 1_000,
  metafile: true,
  logLevel: 'silent',
  // What cannot be served must not replace what is served.
  write: false,
} satisfies BuildOptions

/** The settings of ES modules that share code. */
export const MODULES = {
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  splitting: true,
  format: 'esm',
  banner: { js: COMMON_JS },
} satisfies BuildOptions

const SHORTER = [compactCommands, errorNames]
const REDIS = [leanDecoder, leanRedis, leftOut, methodsAtOnce, onDemand, ...outlined]

/** All that changes the Redis client in a bundle. The benchmark bundles a reference with it. */
export const REDIS_PLUGINS: readonly Plugin[] = [...REDIS, ...SHORTER, unmarked]

/** What is beside a bundle with {@link REDIS_PLUGINS}, as {@link ON_DEMAND}. */
export const redisMore = {
  stdin: { contents: onDemandSource + outlinedSource, resolveDir: OWN },
  plugins: [wholeDecoder, ...inside, ...SHORTER],
} satisfies BuildOptions
export { ON_DEMAND }

/**
 * Prepares an incremental build.
 *
 * @throws Failure where esbuild is missing
 */
export async function bundleContext(options: BundleOptions): Promise<ServerContext> {
  const { entries, minify = true, natives = 'here', hasPage = true, plugins = [] } = options
  const server = resolve(options.server)
  const outdir = resolve(options.outdir)
  const esbuild = await loadEsbuild()
  const absWorkingDir = process.cwd()
  const externals = new Map<string, External>()
  const copied = new Set<string>()
  const shorter = [...SHORTER, outdented]
  const packages = [oneCopy, nativeFiles(copied), externalPackages(externals, natives)]
  const redis = [noDefaultStore, ...REDIS]
  const converters = new Converters(server)
  const schemas = [converters.plugin, schemasOnDemand]
  // What is left out comes first: no other plugin may load it.
  const own = [builtins, page(hasPage), ...plugins, served(entries, server), rarelyUsed, ...schemas, ...redis]
  const all = [...own, ...packages, ...shorter, unmarked]
  const common = { ...COMMON, absWorkingDir, minify }
  const loader = { '.node': 'copy' } as const
  mkdirSync(outdir, { recursive: true })
  const commonJs = (name: string) => ({ ...common, outfile: join(outdir, name), format: 'cjs' }) as const
  const text = (contents: string) => ({ contents, resolveDir: OWN })
  const entryPoints = entryPointsOf(entries)
  const [main, ...beside] = await Promise.all([
    esbuild.context({ ...common, ...MODULES, entryPoints, outdir, loader, plugins: all }),
    esbuild.context({ ...commonJs(ON_DEMAND), ...redisMore }),
    esbuild.context({ ...commonJs(SCHEMAS), entryPoints: [schemasSource] }),
    esbuild.context({ ...commonJs(RARELY_USED), stdin: text(rarelyUsedSource) }),
  ])
  return {
    async rebuild() {
      externals.clear()
      copied.clear()
      converters.prepare()
      const build = () => withFailures(() => main.rebuild())
      let [first, ...others] = await Promise.all([build(), ...beside.map((context) => context.rebuild())])
      // Converters need none of their own: the second build has all.
      if (converters.change(first.metafile, absWorkingDir)) first = await build()
      const { metafile, warnings } = first
      if (lacksServer(warnings)) throw new Failure(await missing(server))
      const built = [first, ...others]
      for (const { path, contents } of built.flatMap(({ outputFiles }) => outputFiles)) writeFileSync(path, contents)
      return {
        metafile: {
          inputs: Object.assign({}, ...built.map(({ metafile }) => metafile.inputs)),
          outputs: Object.assign({}, ...built.map(({ metafile }) => metafile.outputs)),
        },
        inputs: Object.keys(metafile.inputs)
          .filter((name) => !/^[\w-]{2,}:/.test(name))
          .map((name) => resolve(absWorkingDir, name)),
        externals: [...externals.values()],
        nativeFiles: [...copied],
        warnings: warnings.filter(isAuthors).map(lineOf),
      }
    },
    dispose: async () => void (await Promise.all([main, ...beside].map((context) => context.dispose()))),
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

const UNDEFINED = 'import-is-undefined'
const inServed = ({ location }: Message) => location?.file.startsWith(`${NAMESPACE}:`) === true

/** esbuild warns of each name that the module of the server lacks. */
const lacksServer = (warnings: Message[]) =>
  warnings.filter(({ id, text }) => id === UNDEFINED && /^Import "(server|default)" /.test(text)).length >= 2

const isAuthors = (warning: Message) => !inServed(warning) && !/node_modules/.test(warning.location?.file ?? '')

async function missing(server: string): Promise<string> {
  const names = await exportsOf(server)
  const has = names.length === 0 ? 'exports nothing' : `exports ${names.join(', ')}, and no server`
  return `${shown(server)} ${has}. Export it as "server": export const server = new McpServer({ … })`
}
