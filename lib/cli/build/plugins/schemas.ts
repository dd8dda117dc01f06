/**
 * Schemas of libraries in a bundle: what few schemas need is a file of its own, {@link SCHEMAS}, and the converters of the
 * libraries that the author's server uses are in the bundle.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { Metafile, Plugin } from 'esbuild'
import { ENDING, OWN, packageOf } from '../../own.ts'

/** A file beside the bundle. */
export const SCHEMAS = 'schemas-more.cjs'

/** Its source. */
export const schemasSource: string = join(OWN, `server/schema/more${ENDING}`)

/** Puts {@link SCHEMAS} in the place of its source, read when it is first used. */
export const schemasOnDemand: Plugin = {
  name: 'schemas-on-demand',
  setup(build) {
    const namespace = 'schemas-on-demand'
    build.onResolve({ filter: /\/more\.[jt]s$/ }, ({ path, resolveDir }) =>
      resolve(resolveDir, path) === schemasSource ? { path: 'more', namespace } : undefined,
    )
    build.onResolve({ filter: new RegExp(`^\\./${SCHEMAS}$`) }, ({ path }) => ({ path, external: true }))
    const names = ['compileShape', 'convert', 'withDates']
    const line = (name: string) => `export const ${name} = (...given) => require('./${SCHEMAS}').${name}(...given)\n`
    build.onLoad({ filter: /./, namespace }, () => ({ contents: names.map(line).join(''), loader: 'js' }))
  },
}

/** By this name the module of the server imports the converters. */
export const CONVERTERS = 'mcp-anywhere:converters'

/** The converters that a server needs, found in what its last build has read. */
export class Converters {
  readonly plugin: Plugin
  readonly #server: string
  #needs: Needs = { cores: [], packages: [] }

  /** @param server the file that exports the server */
  constructor(server: string) {
    this.#server = server
    const namespace = 'schema-converters'
    this.plugin = {
      name: namespace,
      setup: (build) => {
        build.onResolve({ filter: new RegExp(`^${CONVERTERS}$`) }, () => ({ path: 'converters', namespace }))
        build.onLoad({ filter: /./, namespace }, () => ({
          contents: sourceOf(this.#needs),
          loader: 'js',
          resolveDir: dirname(server),
        }))
      },
    }
  }

  /** Prepares a build: what was uninstalled since the last one is no longer in the bundle. */
  prepare(): void {
    const { cores, packages } = this.#needs
    this.#needs = {
      cores: cores.filter((file) => existsSync(file)),
      packages: packages.filter((name) => this.#has(name)),
    }
  }

  /** True where the bundle needs other converters than it has, so that it must be built again. */
  change({ outputs }: Metafile, folder: string): boolean {
    const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))
    const needs = needsOf(files.map((file) => resolve(folder, file)))
    needs.packages = needs.packages.filter((name) => this.#has(name))
    const changes = sourceOf(needs) !== sourceOf(this.#needs)
    this.#needs = needs
    return changes
  }

  /** A converter that is not installed, or does not fit the zod that is, is left out: a schema that needs it says so. */
  #has(name: string): boolean {
    try {
      const file = createRequire(this.#server).resolve(name)
      if (name === 'zod-to-json-schema' && !isBefore(packageOf(file)?.manifest.version ?? '', 3, 25)) {
        createRequire(file).resolve('zod/v3')
      }
      return true
    } catch {
      return false
    }
  }
}

interface Needs {
  /** The file of each copy of zod 4 that has its converter. */
  cores: string[]
  packages: string[]
}

function needsOf(files: readonly string[]): Needs {
  const cores = new Set<string>()
  const packages = new Set<string>()
  for (const file of files) {
    if (!/[\\/]node_modules[\\/]/.test(file)) continue
    const { manifest } = packageOf(file) ?? {}
    if (manifest?.name === 'zod') {
      const core = coreFor(file, manifest.version)
      if (core !== undefined) cores.add(core)
      if (ZOD_3.test(file) || isBefore(manifest.version, 3, 25)) packages.add('zod-to-json-schema')
    }
    if (manifest?.name === 'valibot') packages.add('@valibot/to-json-schema')
  }
  return { cores: [...cores].sort(), packages: [...packages].sort() }
}

/** Files of zod whose schemas have JSON Schema from 4.2 on (classic), and never (mini). */
const ZOD_4 = /(?<=[\\/]v4[\\/])(classic|mini)([\\/])schemas(?=\.[cm]?js$)/
const ZOD_3 = /[\\/]v3[\\/]types\.[cm]?js$/

/** The module with the converter of the same copy, for a file with schemas that cannot write themselves. */
function coreFor(file: string, version: string): string | undefined {
  const [, kind] = ZOD_4.exec(file) ?? []
  if (kind === undefined || (kind === 'classic' && !isBefore(version, 4, 2))) return undefined
  return file.replace(ZOD_4, 'core$2index')
}

function isBefore(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a < major || (a === major && b < minor)
}

function sourceOf({ cores, packages }: Needs): string {
  if (cores.length + packages.length === 0) return ''
  const bundled = JSON.stringify(join(OWN, `server/schema/bundled${ENDING}`))
  const lines = [`import { BUNDLED } from ${bundled}`]
  for (const [i, core] of cores.entries()) {
    const names = ['toJSONSchema', 'globalRegistry', 'version']
    const imports = names.map((name) => `${name} as ${name}${i}`)
    lines.push(`import { ${imports.join(', ')} } from ${JSON.stringify(core)}`)
    lines.push(`BUNDLED.zod.push({ ${names.map((name) => `${name}: ${name}${i}`).join(', ')} })`)
  }
  if (packages.includes('zod-to-json-schema')) {
    lines.push(`import { zodToJsonSchema } from 'zod-to-json-schema'`, 'BUNDLED.zodToJsonSchema = { zodToJsonSchema }')
  }
  if (packages.includes('@valibot/to-json-schema')) {
    lines.push(`import { toJsonSchema } from '@valibot/to-json-schema'`, 'BUNDLED.valibot = { toJsonSchema }')
  }
  return lines.join('\n')
}
