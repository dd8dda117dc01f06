/** The classes and interfaces of a source file, read from its text. */
import { strip } from '../../tools/source.ts'

export interface Member {
  name: string
  /** `readonly`, `private`, `static` …, as they are written before the name. */
  modifiers: string[]
  method: boolean
  /** The declaration without comments; a method's has its body. */
  text: string
}

export interface Declared {
  kind: 'class' | 'interface'
  name: string
  members: Member[]
}

const MODIFIER = 'public|private|protected|static|override|readonly|abstract|declare|async|accessor|get|set'
const MEMBER = new RegExp(`^[ \\t]*((?:(?:${MODIFIER}) )*)\\*?(#?[\\w$]+)(?=\\s*([(<?!:=;}\\n]|$))`)

export function declarationsOf(source: string): Declared[] {
  const code = strip(source)
  const bare = strip(source, 'blank')
  return [...bare.matchAll(/\b(class|interface) (\w+)[^{]*\{/g)].map(({ 0: head, 1: kind, 2: name = '', index }) => ({
    kind: kind === 'class' ? 'class' : 'interface',
    name,
    members: membersFrom(index + head.length, code, bare),
  }))
}

/** The members of a body whose first character is at `start`: each begins a line, or follows `;`, inside no bracket. */
function membersFrom(start: number, code: string, bare: string): Member[] {
  const starts = [start]
  let depth = 1
  let end = start
  for (; depth > 0 && end < bare.length; end += 1) {
    const character = bare.charAt(end)
    if ('({['.includes(character)) depth += 1
    else if (')}]'.includes(character)) depth -= 1
    else if (depth === 1 && (character === '\n' || character === ';')) starts.push(end + 1)
  }
  const heads = starts.flatMap((at) => {
    const [, modifiers = '', name, next] = MEMBER.exec(bare.slice(at, end)) ?? []
    return name === undefined ? [] : [{ at, name, modifiers: modifiers.trim().split(/\s+/), next }]
  })
  return heads.map(({ at, name, modifiers, next }, index) => ({
    name,
    modifiers,
    method: next === '(' || next === '<',
    text: code.slice(at, heads[index + 1]?.at ?? end - 1).trim(),
  }))
}
