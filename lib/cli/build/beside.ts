/** Packages with native code, which are installed beside a bundle for the platform that runs it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../command.ts'
import { shown } from '../shown.ts'

/** The arguments with which npm installs the packages of the manifest in `outdir`. */
export function installArguments(outdir: string, target: string): string[] {
  const platform = target === 'lambda' ? ['--os=linux', '--cpu=arm64', '--libc=glibc'] : []
  return ['install', '--omit=dev', '--prefix', outdir, ...platform]
}

/**
 * Installs what the bundle in `outdir` needs beside it. Does nothing for a bundle that needs nothing.
 *
 * @throws Failure where npm fails, which has printed why
 */
export function installBeside(outdir: string, target: string): void {
  if (!existsSync(join(outdir, 'package.json'))) return
  const args = [...installArguments(outdir, target), '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status === 0) return
  throw new Failure(
    `npm cannot install the packages of ${shown(join(outdir, 'package.json'))}, which have native code.`,
  )
}
