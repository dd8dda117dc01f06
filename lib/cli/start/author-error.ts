/** Errors that end a start, as one line where the reason is one that this package knows. */
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OWN, ROOT } from '../own.ts'
import { shown } from '../shown.ts'

/** Helpers of esbuild for decorators of the standard. */
const DECORATING = /\b__(?:decorateElement|decorateClass|runInitializers|decoratorStart)\b/

const FRAME = /(?:\(|at )(file:\/\/\S+|\/\S+|[A-Z]:\\\S+):(\d+):(\d+)\)?$/

/**
 * `src/server.ts:12:8: inputSchema of "add" …` for an error that this package throws while the server is built; undefined for
 * any other, whose stack its author needs.
 */
export function lineOfError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  if (DECORATING.test(frames.slice(0, 4).join('\n'))) {
    return `${error.message} (a decorator gets what the standard has; older ones need "experimentalDecorators": true in tsconfig.json)`
  }
  const places = frames.flatMap((line) => {
    const [, file = '', row, column] = FRAME.exec(line) ?? []
    return file === '' ? [] : [{ file: file.startsWith('file:') ? fileURLToPath(file) : file, row, column }]
  })
  const [first] = places
  if (!(error instanceof TypeError) || first === undefined || !isOwn(first.file)) return undefined
  const author = places.find(({ file }) => !isOwn(file) && !file.includes('node_modules'))
  if (author === undefined) return undefined
  return `${shown(author.file)}:${author.row}:${author.column}: ${error.message}`
}

/** The compiled code has source maps, which name files of `lib` that are not there. */
const isOwn = (file: string) => [OWN, join(ROOT, 'lib')].some((folder) => file.startsWith(folder + sep))
