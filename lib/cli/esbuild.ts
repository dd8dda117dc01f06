/** esbuild, which a project installs itself, and its errors as one line. */
import type { BuildFailure, BuildOptions, BuildResult, Message } from 'esbuild'
import { Failure } from './command.ts'

type Esbuild = typeof import('esbuild')

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'

/** @throws Failure where the project has not installed it */
export async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild')
  } catch (error) {
    if (!isMissing(error)) throw error
    throw new Failure('esbuild is missing, which bundles the server: npm install --save-dev esbuild')
  }
}

/** Whether the project has installed it. */
export async function hasEsbuild(): Promise<boolean> {
  return import('esbuild').then(
    () => true,
    (error) => {
      if (isMissing(error)) return false
      throw error
    },
  )
}

/**
 * Runs a build whose messages become errors of one line.
 *
 * @throws Failure with the first error of the build
 */
export async function withFailures<T extends BuildResult>(build: () => Promise<T>): Promise<T> {
  try {
    return await build()
  } catch (error) {
    const [first, ...more] = (error as Partial<BuildFailure>).errors ?? []
    if (first === undefined) throw error
    const others = more.length > 0 ? ` (and ${more.length} more)` : ''
    throw new Failure(`${lineOf(first)}${others}`, { cause: error })
  }
}

/** `src/server.ts:3:7: Expected ";" but found "x"`, with the path from the working folder. */
export function lineOf({ location, text, notes }: Message): string {
  const place = location ? `${location.file}:${location.line}:${location.column + 1}: ` : ''
  return `${place}${text} ${cureFor(text, notes)}`.replace(/\s*\n\s*/g, ' ').trim()
}

function cureFor(text: string, notes: Message['notes']): string {
  const [, path = ''] = /^Could not resolve "([^"]+)"/.exec(text) ?? []
  if (/^[./]/.test(path)) return '(there is no such file)'
  if (path.startsWith('mcp-anywhere/')) return '(the package has no such entry)'
  if (/^[@\w]/.test(path)) {
    const [name] = /^(?:@[^/]+\/)?[^/]+/.exec(path) ?? []
    return `(npm install ${name}; an alias belongs under "paths" in tsconfig.json)`
  }
  const [note] = notes
  return note && !note.location ? `(${note.text})` : ''
}

const ALONE = { bundle: true, write: false, platform: 'node', format: 'esm', logLevel: 'silent' } satisfies BuildOptions

/** The text of `file` and everything that it imports, as an ES module that stands for itself. */
export async function bundledText(file: string): Promise<string> {
  const { build } = await loadEsbuild()
  const { outputFiles } = await withFailures(() => build({ ...ALONE, entryPoints: [file] }))
  return outputFiles[0]?.text ?? ''
}

/** The names that an ES module exports; none for one of CommonJS. */
export async function exportsOf(file: string): Promise<string[]> {
  const { build } = await loadEsbuild()
  const options = { ...ALONE, outfile: 'out.mjs', packages: 'external', metafile: true } as const
  const { metafile } = await withFailures(() => build({ ...options, entryPoints: [file] }))
  return Object.values(metafile.outputs).flatMap((output) => output.exports)
}
