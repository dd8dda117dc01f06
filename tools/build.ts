/**
 * `npm run build`: bundles the entries of functions/ into dist/, as `mcp-anywhere build` does with entries of its own.
 * `node tools/build.ts [--server file] [--out folder]`
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, type Metafile } from 'esbuild'
import { COMMON, MODULES, ON_DEMAND, REDIS_PLUGINS, redisMore } from '../lib/cli/build/bundle-server.ts'
import { type BuiltTarget, buildTarget } from '../lib/cli/build/targets.ts'
import { orExit } from '../lib/cli/command.ts'
import { serverFile } from '../lib/cli/config.ts'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The entries of functions/ by platform. Each platform has a folder with everything that is deployed. */
const PLATFORMS: Record<string, Record<string, { file: string }>> = {
  lambda: { lambda: entry('lambda'), 'lambda-buffered': entry('lambda-buffered') },
  node: { server: entry('node') },
}

function entry(name: string): { file: string } {
  return { file: join(root, `functions/${name}.ts`) }
}

interface BundleOptions {
  /** The file that exports the server. Default: the one of the settings in `folder`. */
  server?: string | undefined
  /** Default: the folder of this project. */
  folder?: string | undefined
  /** Default: dist of this project. */
  out?: string | undefined
}

/** Bundles a server for every platform, by whose names the results are. */
export async function bundlePlatforms(options: BundleOptions = {}): Promise<Map<string, BuiltTarget>> {
  const { folder = root, out = join(root, 'dist') } = options
  const server = await serverFile(folder, options.server)
  const built = new Map<string, BuiltTarget>()
  for (const [target, entries] of Object.entries(PLATFORMS))
    built.set(target, await buildTarget({ out, target, server, entries }))
  return built
}

/** As {@link bundlePlatforms}, with the metafiles as the results. */
export async function bundle(options: BundleOptions = {}): Promise<Record<string, Metafile>> {
  const built = await bundlePlatforms(options)
  return Object.fromEntries([...built].map(([target, { metafile }]) => [target, metafile]))
}

/** Bundles `entries` (name to file) into `outdir` with the same settings, and with the same changes to the Redis client alone. */
export async function bundleReference(entries: Record<string, string>, outdir: string): Promise<void> {
  const common = { ...COMMON, absWorkingDir: root, minify: true, write: true }
  await build({ ...common, ...MODULES, entryPoints: entries, outdir, plugins: [...REDIS_PLUGINS] })
  await build({ ...common, ...redisMore, format: 'cjs', outfile: join(outdir, ON_DEMAND) })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await orExit(async () => {
    const { values } = parseArgs({ options: { server: { type: 'string' }, out: { type: 'string' } } })
    const built = await bundlePlatforms({ ...values, folder: process.cwd() })
    for (const { lines } of built.values()) console.log(lines.join('\n'))
  })
}
