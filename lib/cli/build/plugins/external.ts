/** Packages that stay outside the bundle: those with native code, which is a file of its own for each platform. */
import { existsSync, realpathSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { type Manifest, packageOf, readManifest } from '../../own.ts'

/** A package that the bundle loads from a `node_modules` where it is deployed. */
export interface External {
  name: string
  version: string
  folder: string
}

/** What packages depend on that load a native module, or fetch one. */
const LOADERS = [
  'bindings',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  '@mapbox/node-pre-gyp',
  'node-pre-gyp',
  'prebuild-install',
  'pkg-prebuilds',
  'nan',
  'node-addon-api',
]

/** The name of a package of one platform, such as `@img/sharp-linux-x64`. */
const PLATFORM = /[-.](?:linux|darwin|win32|windows)(?:-\w+)?-(?:x64|arm64|64|x86_64|aarch64)(?:-\w+)?$/

const NAME = /^(?:@[^/]+\/)?[^./@][^/]*/

/** Whether a package has native code, by its package.json and its `binding.gyp`. */
function isNative(folder: string, { gypfile, binary, napi, dependencies, optionalDependencies }: Manifest): boolean {
  if (gypfile === true || binary !== undefined || napi !== undefined) return true
  if (LOADERS.some((name) => dependencies !== undefined && Object.hasOwn(dependencies, name))) return true
  if (Object.keys(optionalDependencies ?? {}).some((name) => PLATFORM.test(name))) return true
  return existsSync(join(folder, 'binding.gyp'))
}

/**
 * Leaves packages with native code out of the bundle.
 *
 * @param found gets each of them
 * @param where `beside`: the bundle is deployed, with these packages installed beside it. `here`: it runs on this machine,
 *   and loads them from where they are now
 */
export function externalPackages(found: Map<string, External>, where: 'beside' | 'here'): Plugin {
  const known = new Map<string, External | undefined>()
  /** The package that Node finds by this name from `folder`, if it stays outside. */
  const lookUp = (name: string, folder: string): External | undefined => {
    const key = `${name}\n${folder}`
    if (known.has(key)) return known.get(key)
    const external = find(name, folder)
    known.set(key, external)
    return external
  }
  return {
    name: 'external-packages',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        const [name] = NAME.exec(path) ?? []
        if (name === undefined || pluginData === SKIP || builtinModules.includes(name) || resolveDir === '') return
        const external = lookUp(name, resolveDir)
        if (external === undefined) return
        found.set(external.folder, external)
        if (where === 'beside') return { path, external: true }
        const resolved = await build.resolve(path, { importer, kind, resolveDir, pluginData: SKIP })
        if (resolved.errors.length > 0) return { errors: resolved.errors }
        const isRequire = kind === 'require-call' || kind === 'require-resolve'
        return { path: isRequire ? resolved.path : pathToFileURL(resolved.path).href, external: true }
      })
    },
  }
}

const SKIP = Symbol('a package that was looked up')

function find(name: string, from: string): External | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name)
    const manifest = readManifest(place)
    if (manifest !== undefined) {
      if (!isNative(place, manifest)) return undefined
      return { name, version: manifest.version, folder: realpathSync(place) }
    }
    if (folder === dirname(folder)) return undefined
  }
}

/** Copies native modules that a file of the bundle names by their path, and adds them to `copied`. */
export function nativeFiles(copied: Set<string>): Plugin {
  return {
    name: 'native-files',
    setup(build) {
      build.onResolve({ filter: /\.node$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === SKIP) return
        const resolved = await build.resolve(path, { importer, kind, resolveDir, pluginData: SKIP })
        if (resolved.errors.length > 0 || resolved.external) return resolved
        copied.add(resolved.path)
        return resolved
      })
    },
  }
}

/** The name of the package of a file, or the file itself. */
export const ownerOf = (file: string): string => packageOf(file)?.manifest.name ?? file
