/** Builds the versions of a server. Each has a folder of its own: instances of one before may load more of it. */
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { BuildFailure, Plugin } from 'esbuild'
import { digest } from '../../base/ids.ts'
import { bundleContext, SERVER, type ServerContext } from '../build/bundle-server.ts'
import { Failure } from '../command.ts'
import type { Version } from './fleet.ts'

/** What every instance runs. */
const ENTRY = `
  import { serveInstance } from './cli/dev/instance'
  await serveInstance(() => import('${SERVER}'))`
const NAME = 'instance'

/** What a build has read, also where it failed. */
interface Read {
  files: ReadonlySet<string>
  /** Folders in which a file may be missing. */
  folders: ReadonlySet<string>
}

export interface Built {
  /** Equal for equal bundles. */
  digest: string
  /** What is odd in the author's files, a line each. */
  warnings: readonly string[]
  /** Makes a version of it. */
  version(): Version
}

export class Versions {
  /** Filled by the plugin below during each build. */
  readonly #read = { files: new Set<string>(), folders: new Set<string>() }
  readonly #folder: string
  readonly #server: string
  readonly #context: ServerContext
  #count = 0

  /** @throws Failure where esbuild is missing */
  static async open(server: string, folder: string): Promise<Versions> {
    const seen: string[] = []
    const context = await bundleContext({
      server,
      entries: { [NAME]: { source: ENTRY } },
      outdir: join(folder, 'bundle'),
      minify: false,
      natives: 'here',
      plugins: [recording(seen)],
    })
    return new Versions(server, folder, context, seen)
  }
  readonly #seen: string[]

  private constructor(server: string, folder: string, context: ServerContext, seen: string[]) {
    this.#server = server
    this.#folder = folder
    this.#context = context
    this.#seen = seen
  }

  get read(): Read {
    return this.#read
  }

  /** @throws Failure with file, line and reason; {@link read} has then what there is to watch */
  async build(): Promise<Built> {
    this.#seen.length = 0
    this.#read.folders.clear()
    try {
      const { metafile, inputs, warnings } = await this.#context.rebuild()
      this.#read.files = new Set([...inputs, ...this.#seen, this.#server])
      return this.#built(
        Object.keys(metafile.outputs).map((name) => resolve(name)),
        warnings,
      )
    } catch (error) {
      for (const file of [...this.#seen, this.#server]) this.#read.files.add(file)
      for (const folder of [dirname(this.#server), ...foldersOf(error)]) this.#read.folders.add(folder)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#context.dispose()
  }

  #built(files: readonly string[], warnings: readonly string[]): Built {
    const sorted = [...files].sort()
    return {
      warnings,
      digest: digest(sorted.map((file) => `${file}\n${readFileSync(file, 'latin1')}`).join('\n'), 16),
      version: () => {
        const folder = join(this.#folder, `v${++this.#count}`)
        mkdirSync(folder)
        for (const file of sorted) copyFileSync(file, join(folder, basename(file)))
        return {
          file: join(folder, `${NAME}.mjs`),
          retired: () => rmSync(folder, { recursive: true, force: true }),
        }
      },
    }
  }
}

/** Notes the files that a build reads. Where it fails, nothing else has their names. */
function recording(seen: string[]): Plugin {
  return {
    name: 'recording',
    setup(build) {
      build.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => {
        seen.push(path)
        return undefined
      })
    },
  }
}

/** The folders of the files that have errors. */
function foldersOf(error: unknown): string[] {
  const { errors = [] } = error instanceof Failure ? ((error.cause ?? {}) as Partial<BuildFailure>) : {}
  return errors.flatMap(({ location }) => (location ? dirname(resolve(location.file)) : []))
}
