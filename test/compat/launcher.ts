/** A script that starts a server of an unpacked folder with the loader and the libraries of that folder. */
import { chmodSync, existsSync, globSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The folder that was unpacked as if it were `/`: it has a C library of its own. Undefined for a program of this system. */
function rootOf(program: string): string | undefined {
  for (let folder = dirname(resolve(program)); folder !== dirname(folder); folder = dirname(folder)) {
    if (librariesOf(folder).some((path) => existsSync(join(path, 'libc.so.6')))) return folder
  }
  return undefined
}

const librariesOf = (root: string) => globSync(join(root, '{lib,usr/lib}/*-linux-gnu*'))

/** Links in packages may lead to absolute paths of the system that they were made for. */
const loaderOf = (folders: readonly string[]) =>
  folders.flatMap((folder) => globSync(join(folder, 'ld-*.so*'))).find((path) => isFile(path))

function isFile(path: string): boolean {
  try {
    return realpathSync(path) !== ''
  } catch {
    return false
  }
}

/** The program itself, or a script in `folder` that starts it with its own libraries. */
export function launcherOf(program: string, folder: string): string {
  const root = rootOf(program)
  if (root === undefined) return resolve(program)
  const libraries = librariesOf(root)
  const loader = loaderOf(libraries)
  if (loader === undefined) throw new Error(`${root} has a C library and no loader for it.`)
  const path = join(folder, 'server')
  const quoted = [loader, '--library-path', libraries.join(':'), resolve(program)].map((word) => `'${word}'`)
  writeFileSync(path, `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`)
  chmodSync(path, 0o755)
  return path
}
