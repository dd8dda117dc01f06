/** The servers of other packages: their packages come from a lock of their own, since `npm ci` of the repository has none of them. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { installedFrom } from '../../more/support/installed.ts'
import { OWN } from '../processes.ts'

const lock = fileURLToPath(new URL('test/bench/others', OWN))

/** What the servers are and import, by paths from the root. */
const SOURCES = ['test/bench/others', 'test/bench/servers/serve.ts', 'test/bench/tools.ts', 'test/support/ports.ts']

/**
 * A folder with copies of the servers that find their packages. The first call on a machine installs these.
 *
 * @returns a root for `startServer`, and what removes it
 */
export async function layOutOthers(): Promise<{ root: URL; remove(): void }> {
  const modules = join(await installedFrom(lock), 'node_modules')
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-others-'))
  for (const path of SOURCES) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(fileURLToPath(new URL(path, OWN)), join(folder, path), { recursive: true })
  }
  symlinkSync(modules, join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return {
    root: pathToFileURL(`${folder}/`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The releases that are measured. */
export function releases(names: readonly string[]): { name: string; version: string }[] {
  const { packages } = JSON.parse(readFileSync(join(lock, 'package-lock.json'), 'utf8'))
  return names.map((name) => ({ name, version: packages[`node_modules/${name}`].version }))
}
