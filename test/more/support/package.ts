/** Builds the npm package once for all checks, and packs it as it is published. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildPackage } from '../../../tools/build-package.ts'
import { npm } from './npm.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the tarball, which `npm install` takes. */
    tarball: string
  }
}

/** Vitest's global setup. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-package-'))
  await buildPackage(join(folder, 'package'))
  const name = await npm(join(folder, 'package'), 'pack', '--silent', '--pack-destination', folder)
  project.provide('tarball', join(folder, name.trim()))
  return () => rmSync(folder, { recursive: true, force: true })
}
