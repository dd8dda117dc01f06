/** Code of the documents, for projects that run it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../tools/build.ts'

/**
 * The code of a fence.
 *
 * @param document a path from the root
 * @param file the name of the file that the fence's first line names in a comment
 * @throws Error where the document has no such fence
 */
export function fenceOf(document: string, file: string): string {
  const fences = readFileSync(join(root, document), 'utf8').matchAll(/^```\w+\n\/\/ (\S+)\n([\s\S]*?)^```/gm)
  const found = [...fences].find(([, name]) => name === file)
  if (found?.[2] === undefined) throw new Error(`${document} has no fence of ${file}.`)
  return found[2]
}
