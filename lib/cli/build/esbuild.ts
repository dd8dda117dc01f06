/** esbuild, which a project installs itself, and its errors as one line. */
import { relative } from 'node:path'
import type { BuildFailure, BuildOptions, BuildResult, Message } from 'esbuild'
import { Failure } from '../command.ts'

type Esbuild = typeof import('esbuild')

/** @throws Failure where the project has not installed it */
export async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Failure('esbuild is missing, which bundles the server: npm install --save-dev esbuild')
  }
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
    throw new Failure(`${textOf(first)}${others}`, { cause: error })
  }
}

/** `src/server.ts:3:7: Expected ";" but found "x"`, with paths from the working folder. */
function textOf({ location, text, notes }: Message): string {
  const place = location ? `${relative(process.cwd(), location.file)}:${location.line}:${location.column + 1}: ` : ''
  const [note] = notes
  return `${place}${text}${note && !note.location ? ` (${note.text})` : ''}`.replace(/\s*\n\s*/g, ' ')
}

/** The text of `file` and everything that it imports, as an ES module that stands for itself. */
export async function bundledText(file: string): Promise<string> {
  const { build } = await loadEsbuild()
  const options = {
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  } satisfies BuildOptions
  const { outputFiles } = await withFailures(() => build(options))
  return outputFiles[0]?.text ?? ''
}
