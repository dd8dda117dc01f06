/** Projects that have installed the tarball of the package, as its users do. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { installed } from './installed.ts'

const checks = join(import.meta.dirname, '..')

interface ProjectOptions {
  /** A check whose `project` folder is copied. */
  check?: string
  /** Packages of the check's lock that the project has too; `all` copies everything. Default: none. */
  packages?: readonly string[] | 'all'
  /** Path to content. */
  files?: Readonly<Record<string, string>>
}

/**
 * Makes an ES module project in a temporary folder: a copy of one in which npm has installed the tarball of the package. The
 * folder is removed when the test has finished.
 *
 * @returns the path of the folder
 */
export async function project({ check, packages = [], files = {} }: ProjectOptions = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-project-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(inject('installation'), folder, { recursive: true, verbatimSymlinks: true })
  if (check !== undefined) await copyPackages(check, packages, folder)
  const given = join(checks, check ?? '', 'project')
  if (check !== undefined && existsSync(given)) cpSync(given, folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

async function copyPackages(check: string, packages: readonly string[] | 'all', folder: string): Promise<void> {
  if (packages.length === 0) return
  const from = join(await installed(check), 'node_modules')
  const to = join(folder, 'node_modules')
  if (packages === 'all') return cpSync(from, to, { recursive: true, verbatimSymlinks: true })
  for (const name of packages) cpSync(join(from, name), join(to, name), { recursive: true })
}
