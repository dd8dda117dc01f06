/** Unified diffs: what they make of a file, and how large they are. */

interface Hunk {
  /** The first line in the file before, counted from 0. */
  start: number
  /** Each begins with a space, `-` or `+`. */
  lines: string[]
}

/** The changes of one file. */
export interface FilePatch {
  /** From the root of the package. */
  path: string
  hunks: Hunk[]
}

/** How large a diff is. Lines that import are counted apart, since a server that moves changes them anyway. */
export interface PatchSize {
  /** Imports that were changed, added or removed. */
  imports: number
  /** Other lines that somebody wrote: changed ones and new ones. */
  written: number
  /** Other lines that were removed, with nothing in their place. */
  removed: number
}

/** @throws Error for a text that is no unified diff */
export function parsePatch(text: string): FilePatch[] {
  const files: FilePatch[] = []
  let hunk: Hunk | undefined
  for (const line of text.split('\n')) {
    const path = /^\+\+\+ b\/(.+)$/.exec(line)?.[1]
    const start = /^@@ -(\d+)/.exec(line)?.[1]
    if (path !== undefined) {
      files.push({ path, hunks: [] })
      hunk = undefined
    } else if (start !== undefined) {
      hunk = { start: Number(start) - 1, lines: [] }
      const file = files.at(-1)
      if (!file) throw new Error('The diff names no file.')
      file.hunks.push(hunk)
    } else if (hunk && /^[ +-](?!-- a\/)/.test(line)) hunk.lines.push(line)
    else if (line !== '' && !line.startsWith('--- a/')) throw new Error(`This is no line of a diff: ${line}`)
  }
  return files
}

/**
 * @returns the text with the changes
 * @throws Error with the first line that is not as the diff expects it
 */
export function patched(text: string, { path, hunks }: FilePatch): string {
  const before = text.split('\n')
  const after: string[] = []
  let next = 0
  for (const { start, lines } of hunks) {
    after.push(...before.slice(next, start))
    next = start
    for (const line of lines) {
      if (line.startsWith('+')) after.push(line.slice(1))
      else {
        const expected = line.slice(1)
        if (before[next] !== expected) throw new Error(`Line ${next + 1} of ${path} is not: ${expected}`)
        if (line.startsWith(' ')) after.push(expected)
        next++
      }
    }
  }
  return [...after, ...before.slice(next)].join('\n')
}

/** The lines that somebody wrote, without those that import. */
export function writtenLines(files: readonly FilePatch[]): string[] {
  return files.flatMap(({ hunks }) =>
    hunks.flatMap(({ lines }) => lines.filter(isWritten).map((line) => line.slice(1))),
  )
}

export function sizeOf(files: readonly FilePatch[]): PatchSize {
  const size = { imports: 0, written: 0, removed: 0 }
  for (const { added, removed } of files.flatMap(({ hunks }) => hunks.flatMap(changes))) {
    const written = added.filter((line) => !isImport(line)).length
    const gone = removed.filter((line) => !isImport(line)).length
    size.imports += Math.max(added.length - written, removed.length - gone)
    size.written += written
    size.removed += Math.max(0, gone - written)
  }
  return size
}

/** Neighbouring lines that were removed and added. */
function changes({ lines }: Hunk): { added: string[]; removed: string[] }[] {
  const all: { added: string[]; removed: string[] }[] = []
  let open = false
  for (const line of lines) {
    if (!open) all.push({ added: [], removed: [] })
    open = !line.startsWith(' ')
    if (line.startsWith('+')) all.at(-1)?.added.push(line.slice(1))
    if (line.startsWith('-')) all.at(-1)?.removed.push(line.slice(1))
  }
  return all
}

function isWritten(line: string): boolean {
  return line.startsWith('+') && !isImport(line.slice(1))
}

function isImport(line: string): boolean {
  return /^import\b/.test(line)
}
