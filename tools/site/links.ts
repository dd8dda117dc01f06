/** The links of Markdown documents, without those in code. */
import { dirname, join, normalize } from 'node:path'

interface Link {
  target: string
  /** Where the target is in the text. */
  index: number
  line: number
}

/** Code and comments with every character but line ends replaced, so that positions stay. */
function withoutCode(text: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, ' ')
  return text
    .replace(/^([ \t]*)(```+|~~~+)[\s\S]*?^\1\2[ \t]*$/gm, blank)
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/(?<!`)(`+)(?!`)(?:(?!\n\n)[\s\S])*?[^`]\1(?!`)/g, blank)
}

/** `[text](target)`, `![text](target)`, `[name]: target`, and `src`, `srcset` and `href` of HTML. */
export function linksOf(text: string): Link[] {
  const prose = withoutCode(text)
  const found = [
    ...prose.matchAll(/\]\(<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+"[^"]*")?\)/dg),
    ...prose.matchAll(/^\[[^\]]+\]: (\S+)$/dgm),
    ...prose.matchAll(/<(?:img|a|source)\b[^>]*?\b(?:src|srcset|href)="([^"]+)"/dg),
  ]
  let [line, counted] = [1, 0]
  return found
    .map((match) => ({ target: match[1] ?? '', index: match.indices?.[1]?.[0] ?? 0 }))
    .toSorted((a, b) => a.index - b.index)
    .map(({ target, index }) => {
      for (; counted < index; counted++) if (prose[counted] === '\n') line++
      return { target, index, line }
    })
}

export const isExternal = (target: string): boolean => /^[a-z][a-z+.-]*:|^\/\//i.test(target)

/** The file of a relative link, from the root of the repository, and the heading in it. */
export function resolved(file: string, target: string): { path: string; anchor: string | undefined } {
  const [path = '', anchor] = target.split('#')
  return { path: path === '' ? file : normalize(join(dirname(file), decodeURI(path))), anchor }
}

/** The anchors of a document, as GitHub makes them of its headings. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  // Code in a heading stays, as its text is part of the anchor.
  const prose = text.replace(/^([ \t]*)(```+|~~~+)[\s\S]*?^\1\2[ \t]*$/gm, '')
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?)(?: +#+)?$/gm)) {
    const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')
    const anchor = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-')
    let unique = anchor
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`
    anchors.add(unique)
  }
  for (const [, id = ''] of prose.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}
