/** Where this package and its Redis client are, and to which package a file belongs. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'

/** The part of a package.json that is read here. */
export interface Manifest {
  name: string
  version: string
  main?: unknown
  bin?: unknown
  gypfile?: boolean
  binary?: object
  napi?: object
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

interface Package {
  folder: string
  manifest: Manifest
}

/** The package of a file; undefined for a file that belongs to none. A package.json without a name only sets a type. */
export function packageOf(file: string): Package | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = readManifest(folder)
    if (manifest?.name !== undefined) return { folder, manifest }
    if (folder === dirname(folder)) return undefined
  }
}

/** The package.json of `folder`; undefined where there is none that can be read. */
export function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

/** The code of this package: `lib`, or `dist` where it is installed. */
export const OWN: string = dirname(import.meta.dirname)

/** The ending of its files. */
export const ENDING: string = extname(import.meta.filename)

/** The folder of its package.json. */
export const ROOT: string = packageOf(OWN)?.folder ?? dirname(OWN)

const folderOf = (name: string, from: string) => {
  const file = createRequire(join(from, 'package.json')).resolve(name)
  return packageOf(file)?.folder ?? dirname(file)
}

/** The Redis client of this package. An author's server may have another one, which stays as it is. */
const REDIS_CLIENT: string = folderOf('ioredis', OWN)
export const REDIS_COMMANDS: string = folderOf('@ioredis/commands', REDIS_CLIENT)
export const REDIS_ERRORS: string = folderOf('redis-errors', REDIS_CLIENT)
export const HONO: string = folderOf('hono', OWN)
export const NODE_SERVER: string = folderOf('@hono/node-server', OWN)

/** Files of the client, by their path in its folder of code. */
export const ofRedisClient = (pattern: string): RegExp => within(REDIS_CLIENT, `built/${pattern}`)

/** Matches the files of `folder` whose path from there matches `pattern`, in which `/` stands for both slashes. */
export function within(folder: string, pattern: string): RegExp {
  const start = resolve(folder).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`^${start}[\\\\/]${pattern.replaceAll('/', '[\\\\/]')}$`)
}
