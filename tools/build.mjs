/**
 * Bundles the entries of functions/ into dist/: `node tools/build.mjs [--server file] [--out folder]`.
 * ESM, minified, with source maps; what only some deployments use stays in files of its own, loaded when it is used.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { compactCommands, quiet } from './build-plugins.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Each platform's folder, with its entries. What a folder has is all that is deployed. */
const PLATFORMS = {
  lambda: { lambda: 'functions/lambda.ts', 'lambda-buffered': 'functions/lambda-buffered.ts' },
  node: { server: 'functions/node.ts' },
}

/** CommonJS packages inside the bundle ask for Node's modules by `require`. */
const REQUIRE = "import { createRequire as __require } from 'node:module'; const require = __require(import.meta.url);"

/**
 * @param {{ server?: string, out?: string, minify?: boolean }} [options] `server`: the module to serve in place of
 *   functions/server.ts
 * @returns {Promise<Record<keyof typeof PLATFORMS, import('esbuild').Metafile>>}
 */
export async function bundle({ server, out = join(root, 'dist'), minify = true } = {}) {
  const metafiles = {}
  for (const [platform, entries] of Object.entries(PLATFORMS)) {
    const outdir = join(out, platform)
    rmSync(outdir, { recursive: true, force: true })
    mkdirSync(outdir, { recursive: true })
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: entries,
      outdir,
      outExtension: { '.js': '.mjs' },
      chunkNames: 'part-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      minify,
      keepNames: false,
      sourcemap: true,
      // Names and lines are enough for a stack; the sources themselves would be most of what is deployed.
      sourcesContent: false,
      legalComments: 'none',
      banner: { js: REQUIRE },
      metafile: true,
      logLevel: 'warning',
      plugins: [served(server), compactCommands, quiet],
    })
    // For whoever looks what a deployment consists of; `npx esbuild-visualizer` and the like read it.
    writeFileSync(join(out, `${platform}.meta.json`), JSON.stringify(metafile))
    metafiles[platform] = metafile
  }
  return metafiles
}

/** Another server in the place of functions/server.ts. */
function served(file) {
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

/**
 * What is loaded at the start of an entry, by whose it is: bytes of the author's server and its packages, and of the
 * endpoint's own part.
 */
export function startSize(metafile, entry) {
  const sizes = { own: 0, author: 0, later: 0 }
  const first = Object.keys(metafile.outputs).find((name) => name.endsWith(`/${entry}.mjs`))
  const loaded = new Set()
  const visit = (name) => {
    if (loaded.has(name)) return
    loaded.add(name)
    for (const { path, kind, external } of metafile.outputs[name].imports) {
      if (kind === 'import-statement' && !external) visit(path)
    }
  }
  visit(first)
  for (const [name, { inputs, bytes }] of Object.entries(metafile.outputs)) {
    if (name.endsWith('.map')) continue
    if (!loaded.has(name)) {
      sizes.later += bytes
      continue
    }
    const author = Object.entries(inputs).reduce(
      (sum, [file, { bytesInOutput }]) => sum + (isOwn(file) ? 0 : bytesInOutput),
      0,
    )
    sizes.author += author
    sizes.own += bytes - author
  }
  return sizes
}

const OWN_PACKAGES =
  /(^|\/)node_modules\/(@cfworker\/json-schema|@hono\/node-server|@ioredis\/commands|cluster-key-slot|debug|denque|hono|ioredis|jose|ms|redis-errors|standard-as-callback)\//

function isOwn(file) {
  if (file.includes('node_modules/')) return OWN_PACKAGES.test(file)
  return (
    /^(lib|tools)\//.test(file) ||
    (file.startsWith('functions/') && file !== 'functions/server.ts') ||
    file.includes(':')
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { server: { type: 'string' }, out: { type: 'string' } } })
  const metafiles = await bundle(values)
  const kb = (bytes) => `${(bytes / 1000).toFixed(0)} KB`
  for (const [platform, entries] of Object.entries(PLATFORMS)) {
    for (const entry of Object.keys(entries)) {
      const { own, author, later } = startSize(metafiles[platform], entry)
      console.log(`${platform}/${entry}.mjs  endpoint ${kb(own)}, server ${kb(author)}, loaded when used ${kb(later)}`)
    }
  }
}
