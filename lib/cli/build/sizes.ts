/** How much code an entry loads, by its metafile. */
import { join, resolve, sep } from 'node:path'
import type { Metafile } from 'esbuild'
import { OWN } from '../own.ts'

interface Sizes {
  /** Bytes of the endpoint that an entry loads at its start. */
  own: number
  /** Bytes of the author's server and its packages that it loads at its start. */
  author: number
  /** Bytes that may be loaded later. */
  later: number
  /** The source files that are loaded at the start. Read by tests. */
  startFiles: string[]
}

const OWN_PACKAGES =
  /(^|\/)node_modules\/(@hono\/node-server|@ioredis\/commands|cluster-key-slot|debug|denque|hono|ioredis|jose|ms|redis-errors|standard-as-callback)\//

/**
 * The bytes that the entry of this name loads at its start, and the others of the build.
 *
 * @param folder the working folder of the build, from which the metafile names its files
 */
export function sizesOf(metafile: Metafile, entry: string, folder: string = process.cwd()): Sizes {
  const sizes: Sizes = { own: 0, author: 0, later: 0, startFiles: [] }
  const loaded = new Set<string>()
  const visit = (name: string | undefined) => {
    if (name === undefined || loaded.has(name)) return
    loaded.add(name)
    for (const { path, kind, external } of metafile.outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && !external) visit(path)
    }
  }
  const entries = Object.values(metafile.outputs).map(({ entryPoint }) => entryPoint)
  const isOwn = (file: string) => {
    if (entries.includes(file)) return true
    if (resolve(folder, file).startsWith(join(OWN, sep))) return true
    return file.includes('node_modules/') ? OWN_PACKAGES.test(file) : /^[\w-]{2,}:/.test(file)
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

/** `endpoint 232 KB, server 130 KB, loaded when used 90 KB, total 452 KB`. */
export function sizeLine({ own, author, later }: Sizes): string {
  const kb = (bytes: number) => `${Math.round(bytes / 1000)} KB`
  return `endpoint ${kb(own)}, server ${kb(author)}, loaded when used ${kb(later)}, total ${kb(own + author + later)}`
}
