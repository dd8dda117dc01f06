/** Packages of the author's project, loaded without waiting. */
import { textOf } from '../../base/errors.ts'

interface Require {
  (name: string): unknown
  resolve(name: string): string
  cache?: Record<string, unknown>
}

/** What `createRequire` finds from the working folder, the program and this package. None in a runtime without Node's modules. */
function requires(): Require[] {
  const node = globalThis.process?.getBuiltinModule?.('node:module')
  if (node === undefined) return []
  const places = [`${process.cwd()}/package.json`, process.argv[1], import.meta.url]
  return places.flatMap((place) => {
    try {
      return [node.createRequire(place as string)]
    } catch {
      return []
    }
  })
}

interface Found {
  /** One for each copy. */
  modules: unknown[]
  /** Why the package is there and cannot be loaded. */
  failure?: string | undefined
}

const known = new Map<string, Found>()

function find(name: string, load: (from: Require) => unknown[]): Found {
  const before = known.get(name)
  if (before !== undefined) return before
  const found: Found = { modules: [] }
  for (const from of requires()) {
    try {
      found.modules = load(from)
      break
    } catch (error) {
      const isThere = (error as { code?: unknown }).code !== 'MODULE_NOT_FOUND' || !textOf(error).includes(`'${name}'`)
      if (isThere) found.failure ??= textOf(error).split('\n')[0]
    }
  }
  known.set(name, found)
  return found
}

/** A package, by the name that `import` has. */
export function installed(name: string): Found {
  return find(name, (from) => [from(name)])
}

/**
 * A part of a package whose values must be those of the author's copy: as an ES module, and as CommonJS where that is in use.
 *
 * @param part such as `./v4/core`
 */
export function installedCopies(name: string, part: string): Found {
  return find(`${name}${part.slice(1)}`, (from) => {
    const manifest = from.resolve(`${name}/package.json`)
    const { exports } = from(manifest) as { exports?: Record<string, { import?: string | { default?: string } }> }
    const target = exports?.[part]?.import
    const file = typeof target === 'object' ? target.default : target
    const common = from.resolve(`${name}${part.slice(1)}`)
    const copies = from.cache?.[common] === undefined ? [] : [from(common)]
    if (file !== undefined) copies.unshift(from(manifest.replace(/package\.json$/, file)))
    return copies.length > 0 ? copies : [from(common)]
  })
}

/** The version of an installed package, such as `3.24.1`; undefined where it is not found. */
export function installedVersion(name: string): string | undefined {
  const [manifest] = installed(`${name}/package.json`).modules
  return (manifest as { version?: string } | undefined)?.version
}
