/**
 * Bundles the entries of functions/ into dist/: `node tools/build.ts [--server file] [--out folder]`.
 * ESM, minified, with source maps. Code that only some deployments use is in separate files, which are loaded on demand.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { inOneFile } from '../lib/cli/build/one-file.ts'
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
} from '../lib/cli/build/plugins.ts'
import { leanRedis } from '../lib/cli/build/redis.ts'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Names in dist that differ from those of their entries. */
const NAMES: Record<string, string> = { node: 'server' }
/** By platform, the module of `lib` that its entries start with. */
const STARTS: Record<string, string> = { lambda: 'lambda/start.ts', node: 'node/listen.ts' }

/**
 * The entries of functions/ by platform: lambda.ts and lambda-buffered.ts are those of `lambda`. Each platform has a
 * folder with everything that is deployed.
 */
function platforms(): Map<string, Record<string, string>> {
  const all = new Map<string, Record<string, string>>()
  for (const file of readdirSync(join(root, 'functions'))) {
    const name = basename(file, '.ts')
    const [platform = ''] = name.split('-')
    if (name !== 'server') all.set(platform, { ...all.get(platform), [NAMES[name] ?? name]: `functions/${file}` })
  }
  return all
}

/** CommonJS packages inside the bundle load Node's modules with `require`. */
const REQUIRE = "import { createRequire as __require } from 'node:module'; const require = __require(import.meta.url);"

interface BundleOptions {
  /** The module to serve in place of functions/server.ts. */
  server?: string | undefined
  /** Default: dist. */
  out?: string | undefined
}

export async function bundle(options: BundleOptions = {}): Promise<Record<string, Metafile>> {
  const { server, out = join(root, 'dist') } = options
  const metafiles: Record<string, Metafile> = {}
  for (const [platform, entries] of platforms()) {
    const metafile = await bundleEntries(entries, join(out, platform), [served(server), ...startOf(platform)])
    // For readers who want to see what a deployment consists of: `npx esbuild-visualizer` and similar tools read it.
    writeFileSync(join(out, `${platform}.meta.json`), JSON.stringify(metafile))
    metafiles[platform] = metafile
  }
  return metafiles
}

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  minify: true,
  sourcemap: true,
  // Names and lines are enough for stack traces; the sources themselves would be most of the deployed bytes.
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions

const MODULES = {
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  splitting: true,
  format: 'esm',
  banner: { js: REQUIRE },
} satisfies BuildOptions

/** Bundles `entries` (name to file) into `outdir` with the same settings, but without changes to packages. */
export async function bundlePlainly(entries: Record<string, string>, outdir: string): Promise<void> {
  await build({ ...COMMON, ...MODULES, entryPoints: entries, outdir })
}

/** Empties `outdir` and bundles `entries` (name to file) into it. */
export async function bundleEntries(
  entries: Record<string, string>,
  outdir: string,
  plugins: Plugin[] = [],
): Promise<Metafile> {
  rmSync(outdir, { recursive: true, force: true })
  mkdirSync(outdir, { recursive: true })
  const shorter = [compactCommands, errorNames, outdented]
  const all = [...plugins, ...shorter, leanRedis, leftOut, methodsAtOnce, noDefaultStore, onDemand]
  const { metafile } = await build({ ...COMMON, ...MODULES, entryPoints: entries, outdir, plugins: all })
  const outfile = join(outdir, ON_DEMAND)
  const stdin = { contents: onDemandSource, resolveDir: root }
  const more = await build({ ...COMMON, stdin, outfile, format: 'cjs', plugins: shorter })
  return {
    inputs: { ...metafile.inputs, ...more.metafile.inputs },
    outputs: { ...metafile.outputs, ...more.metafile.outputs },
  }
}

function startOf(platform: string): Plugin[] {
  const start = STARTS[platform]
  return start === undefined ? [] : [inOneFile(join(root, 'lib', 'platform', start))]
}

/** Replaces functions/server.ts by another module. */
function served(file: string | undefined): Plugin {
  return {
    name: 'served',
    setup(build) {
      if (!file) return
      const path = resolve(file)
      build.onResolve({ filter: /^\.\/server\.ts$/ }, ({ importer }) =>
        dirname(importer) === join(root, 'functions') ? { path } : undefined,
      )
    },
  }
}

interface StartSize {
  own: number
  author: number
  /** Bytes that may be loaded later. */
  later: number
  /** The source files that are loaded at the start. */
  startFiles: string[]
}

/**
 * The bytes that an entry loads at its start: those of the author's server and its packages, and those of the endpoint.
 */
export function startSize(metafile: Metafile, entry: string): StartSize {
  const sizes: StartSize = { own: 0, author: 0, later: 0, startFiles: [] }
  const loaded = new Set<string>()
  const visit = (name: string | undefined) => {
    if (name === undefined || loaded.has(name)) return
    loaded.add(name)
    for (const { path, kind, external } of metafile.outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && !external) visit(path)
    }
  }
  visit(Object.keys(metafile.outputs).find((name) => name.endsWith(`/${entry}.mjs`)))
  for (const [name, { inputs, bytes }] of Object.entries(metafile.outputs)) {
    if (name.endsWith('.map')) continue
    if (!loaded.has(name)) {
      sizes.later += bytes
      continue
    }
    sizes.startFiles.push(...Object.keys(inputs))
    sizes.own += bytes
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      if (isOwn(file)) continue
      sizes.author += bytesInOutput
      sizes.own -= bytesInOutput
    }
  }
  return sizes
}

const OWN_PACKAGES =
  /(^|\/)node_modules\/(@hono\/node-server|@ioredis\/commands|cluster-key-slot|debug|denque|hono|ioredis|jose|ms|redis-errors|standard-as-callback)\//

function isOwn(file: string): boolean {
  if (file.includes('node_modules/')) return OWN_PACKAGES.test(file)
  return /^(lib|tools)\/|^functions\/(?!server\.ts$)|:/.test(file)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { server: { type: 'string' }, out: { type: 'string' } } })
  const metafiles = await bundle(values)
  const kb = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`
  for (const [platform, metafile] of Object.entries(metafiles)) {
    for (const entry of Object.keys(platforms().get(platform) ?? {})) {
      const { own, author, later } = startSize(metafile, entry)
      console.log(`${platform}/${entry}.mjs  endpoint ${kb(own)}, server ${kb(author)}, loaded when used ${kb(later)}`)
    }
  }
}
