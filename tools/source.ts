/** TypeScript as text: the source files of a folder, and which characters of a file are code, comment or text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Path from `root` to content, of every source file in `folders` of `root`; absent folders have none. */
export function sources(root: string, folders: readonly string[]): Map<string, string> {
  const names = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
  const files = names.filter((name) => /\.m?[jt]s$/.test(name) && !/\b(node_modules|dist)\//.test(name)).sort()
  return new Map(files.map((name) => [name, readFileSync(join(root, name), 'utf8')]))
}

const CODE = /[^/'"`{}]+/y
const COMMENT = /\/\/.*|\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const TEMPLATE = /[`}](?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y
const PATTERN = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/[\\\n])+\//y
/** What stands before a pattern; after anything else a slash divides. */
const BEFORE_PATTERN = /(?:^|[=(,:[!&|?{};>+*%~-]|\b(?:return|typeof|case|of|in|await|yield))\s*$/

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')

/**
 * `source` with spaces in the place of comments; with `texts: 'blank'` also of what is inside strings, templates and
 * patterns. Every other character stays in its place.
 */
export function strip(source: string, texts: 'keep' | 'blank' = 'keep'): string {
  let code = ''
  /** For each template with an open `${`: how many braces are open inside it. */
  const holes: number[] = []
  const read = (piece: RegExp): string => {
    piece.lastIndex = code.length
    return piece.exec(source)?.[0] ?? ''
  }
  while (code.length < source.length) {
    const next = source.charAt(code.length)
    const inHole = holes.at(-1)
    const resumes = next === '}' && inHole === 0
    const comment = next === '/' ? read(COMMENT) : ''
    let text = ''
    if (next === '`' || resumes) text = read(TEMPLATE)
    else if (next === "'" || next === '"') text = read(QUOTED)
    else if (next === '/' && !comment && BEFORE_PATTERN.test(code.slice(-200))) text = read(PATTERN)
    if (resumes) holes.pop()
    else if (inHole !== undefined && /[{}]/.test(next)) holes.push((holes.pop() ?? 0) + (next === '{' ? 1 : -1))
    if (text.endsWith('${') && /[`}]/.test(next)) holes.push(0)
    if (comment) code += blank(comment)
    else if (text && texts === 'blank') code += text.replace(/(?<=^.)[\s\S]*?(?=(?:\$\{|.)$)/, blank)
    else code += text || read(CODE) || next
  }
  return code
}
