/** Builds and packs the npm package as it is published, and installs it in an empty project: once for all checks. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildPackage } from '../../../tools/build-package.ts'
import { npm } from './npm.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the tarball, which `npm install` takes. */
    tarball: string
    /** The folder of a project in which npm has installed the tarball and nothing else. */
    installation: string
  }
}

/** Vitest's global setup. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-package-'))
  await buildPackage(join(folder, 'package'))
  const name = await npm(join(folder, 'package'), 'pack', '--silent', '--pack-destination', folder)
  const tarball = join(folder, name.trim())
  const installation = join(folder, 'installation')
  mkdirSync(installation)
  writeFileSync(join(installation, 'package.json'), '{ "private": true, "type": "module" }\n')
  await npm(installation, 'install', tarball)
  project.provide('tarball', tarball)
  project.provide('installation', installation)
  return () => rmSync(folder, { recursive: true, force: true })
}
