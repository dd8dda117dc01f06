import { isAbsolute, relative } from 'node:path'

/** A path for people: from the working folder if it is in it, else absolute. */
export function shown(path: string): string {
  const from = relative(process.cwd(), path)
  return from === '' || from.startsWith('..') || isAbsolute(from) ? path : from
}
