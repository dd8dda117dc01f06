/** What is built for each platform: a folder with everything that is deployed. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Metafile, Plugin } from 'esbuild'
import { Failure } from '../command.ts'
import { ENDING, OWN } from '../own.ts'
import { shown } from '../shown.ts'
import { installArguments } from './beside.ts'
import { type Bundled, bundleServer } from './bundle-server.ts'
import { ownerOf } from './plugins/external.ts'
import { inOneFile } from './plugins/one-file.ts'
import { type Entry, SERVER } from './plugins/served.ts'
import { sizeLine, sizesOf } from './sizes.ts'

type Entries = Readonly<Record<string, Entry>>

/** An entry whose last line is `served`. */
const entry = (imported: string, from: string, served: string): Entry => ({
  source: `import { ${imported} } from 'mcp-anywhere/${from}'\nimport { server } from '${SERVER}'\n${served}\n`,
})

/** The entries of each platform, by the names of their files. */
export const TARGETS = {
  node: { server: entry('listen', 'node', 'await listen(server)') },
  lambda: {
    lambda: entry('serveStreaming', 'lambda', 'export const handler = await serveStreaming(server)'),
    'lambda-buffered': entry('serveBuffered', 'lambda', 'export const handler = await serveBuffered(server)'),
  },
} satisfies Record<string, Entries>

/** The entry of a process that a local host starts. The server loads when stdout has nothing but messages. */
export const STDIO = {
  stdio: {
    source: [
      `import { serveStdio, takeStdout } from 'mcp-anywhere/stdio'`,
      'takeStdout()',
      `const { server } = await import('${SERVER}')`,
      'await serveStdio(server)',
    ].join('\n'),
  },
} satisfies Entries

interface TargetOptions {
  /** The folder of the bundle is in it, by the name of the platform, and the metafile beside it. */
  out: string
  target: string
  /** The file that exports the server. */
  server: string
  entries: Entries
}

/** The module of each platform that the code of its start belongs to. */
const STARTS: Record<string, string> = { lambda: 'lambda/start', node: 'node/listen' }

/** What a server needs at its start, too, and most of what is loaded on demand. */
const SHARED = ['protocol/uri', 'server/context/answers', 'server/methods/not-found', 'server/registry/task-policy']

export interface BuiltTarget {
  metafile: Metafile
  /** One line for each entry, with its sizes, and one for each thing that the author should know. */
  lines: string[]
}

/**
 * Bundles a server for a platform, into a folder that then has nothing else.
 *
 * @throws Failure with one line: for an error in the code, and for a folder with other files
 */
export async function buildTarget({ out, target, server, entries }: TargetOptions): Promise<BuiltTarget> {
  const outdir = join(resolve(out), target)
  requireOwnFolder(outdir)
  const hasPage = target !== 'lambda' || /^(?:1|true)$/.test(process.env.PAGE?.trim() ?? '')
  const plugins = startOf(target)
  const built = await bundleServer({ server, entries, outdir, natives: 'beside', hasPage, plugins })
  removeOthers(outdir, built)
  // For readers who want to see what a deployment consists of: `npx esbuild-visualizer` and similar tools read it.
  writeFileSync(join(out, `${target}.meta.json`), JSON.stringify(built.metafile))
  const sizes = Object.keys(entries).map((name) => `${target}/${name}.mjs  ${sizeLine(sizesOf(built.metafile, name))}`)
  return { metafile: built.metafile, lines: [...sizes, ...built.warnings, ...outsideOf(built, outdir, target)] }
}

function startOf(target: string): Plugin[] {
  const start = STARTS[target]
  if (start === undefined) return []
  return [inOneFile([`platform/${start}`, ...SHARED].map((name) => join(OWN, `${name}${ENDING}`)))]
}

const WRITTEN = /\.(?:[cm]js|map|node)$|^package(?:-lock)?\.json$|^node_modules$/

function requireOwnFolder(outdir: string): void {
  const foreign = existsSync(outdir) ? readdirSync(outdir).find((name) => !WRITTEN.test(name)) : undefined
  if (foreign === undefined) return
  throw new Failure(`${shown(outdir)} has ${foreign}, which no build has written. Name another folder: --out dist`)
}

/** Removes what earlier builds have left. Packages that were installed beside the bundle stay while it needs some. */
function removeOthers(outdir: string, { metafile, externals }: Bundled): void {
  const kept = Object.keys(metafile.outputs).map((name) => basename(name))
  if (externals.length > 0) kept.push('node_modules', 'package-lock.json')
  for (const name of readdirSync(outdir)) {
    if (!kept.includes(name)) rmSync(join(outdir, name), { recursive: true, force: true })
  }
}

/** Writes which packages the bundle needs beside it, and returns what there is to do. */
function outsideOf({ externals, nativeFiles }: Bundled, outdir: string, target: string): string[] {
  const copied = nativeFiles.map(
    (file) =>
      `${basename(file)} of ${ownerOf(file)} is native code, and was copied as it is: for ${process.platform}-${process.arch}.`,
  )
  if (externals.length === 0) return copied
  const dependencies = Object.fromEntries(externals.map(({ name, version }) => [name, version]))
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`)
  const names = externals.map(({ name, version }) => `${name} ${version}`).join(', ')
  const where = target === 'lambda' ? 'For arm64' : 'On the platform that runs it'
  return [
    ...copied,
    `Not in the bundle, because of native code: ${names}. ${where}: npm ${installArguments(shown(outdir), target).join(' ')}`,
  ]
}
