/** Installs the tools of a check from the lock in its folder, outside the node_modules of the checkout. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { npm } from './npm.ts'

const checks = join(import.meta.dirname, '..')
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mcp-anywhere', 'checks')

/**
 * The folder whose `node_modules` has what `test/more/<check>/package-lock.json` names. The first call installs it with
 * `npm ci`, without install scripts; later calls and later runs find it, until manifest or lock change.
 *
 * @param check the name of a folder of test/more
 * @returns an absolute path. Nothing may be written there: other runs use it, too
 * @throws Error with what npm printed
 */
export function installed(check: string): Promise<string> {
  return installedFrom(join(checks, check))
}

/** The same for any folder with a manifest and a lock. */
export async function installedFrom(source: string): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((name) => join(source, name))
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`)
  for (const file of files) hash.update(readFileSync(file))
  const folder = join(cache, `${basename(source)}-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  // Installs aside and renames: of two runs at once one wins, and none sees a part of it.
  const aside = mkdtempSync(join(cache, 'tmp-'))
  try {
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(source, name), join(aside, name))
    await npm(aside, 'ci', '--ignore-scripts')
    renameSync(aside, folder)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
