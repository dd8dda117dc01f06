/** The TypeScript fences of documents, and what the compiler reports about them. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Fence {
  /** Of the document, relative to the root. */
  file: string
  /** The line of its first statement in the document. */
  line: number
  code: string
}

/** The fences of `text` that are marked `ts` or `typescript`. */
export function fencesOf(file: string, text: string): Fence[] {
  return [...text.matchAll(/^([ \t]*)```(?:ts|typescript)\b[^\n]*\n([\s\S]*?)^\1```/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[2] ?? '',
  }))
}

/**
 * Compiles the fences with the settings of the project, each as a module of its own.
 *
 * @returns the errors, each as `file:line: message`
 */
export async function problemsOf(fences: readonly Fence[]): Promise<string[]> {
  // Inside the project, so that imports resolve as they do for a file of the project.
  const folder = mkdtempSync(join(root, '.fences-'))
  try {
    cpSync(new URL('./preamble.d.ts', import.meta.url), join(folder, 'preamble.d.ts'))
    const modules = fences.map(({ file, line }) => `${file}.${line}.ts`)
    const settings = { extends: '../tsconfig.json', files: ['preamble.d.ts', ...modules], include: [], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    for (const [i, { line, code }] of fences.entries()) {
      const name = join(folder, modules[i] ?? '')
      mkdirSync(dirname(name), { recursive: true })
      // Empty lines in front: the compiler then reports the lines of the document.
      writeFileSync(name, `${'\n'.repeat(line - 1)}${code}export {}\n`)
    }
    return await compile(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The lines of the compiler, with the names of the documents. */
async function compile(folder: string): Promise<string[]> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const run = promisify(execFile)(process.execPath, [compiler, '--pretty', 'false', '-p', '.'], { cwd: folder })
  // An exit code other than 0 rejects: the errors are in `stdout`.
  const { stdout } = await run.catch((error: { stdout?: string }) => ({ stdout: error.stdout || String(error) }))
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replace(/^(.*)\.\d+\.ts\((\d+),\d+\)/, '$1:$2'))
}
