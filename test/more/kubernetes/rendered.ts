/** Overlays of infra/kubernetes as kubectl renders them. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { root } from '../../../tools/build.ts'
import { ensureBinary } from '../../support/global.ts'

// biome-ignore lint/suspicious/noExplicitAny: each kind has its own shape, which the schemas check
export type Manifest = { apiVersion: string; kind: string; metadata: { name: string; namespace?: string }; spec?: any }

/** @param folder of infra/kubernetes @throws Error with what kubectl printed */
export function rendered(folder: string): Manifest[] {
  const text = execFileSync(ensureBinary('kubectl'), ['kustomize', join(root, 'infra/kubernetes', folder)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

export function find(manifests: readonly Manifest[], kind: string, name = 'mcp-anywhere'): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (found.length !== 1) throw new Error(`There are ${found.length} of ${kind} ${name}.`)
  return found[0] as Manifest
}
