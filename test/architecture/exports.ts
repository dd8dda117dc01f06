/** What a source file exports, and which names of other files it uses. */
import { dirname, join } from 'node:path'
import { strip } from '../../tools/source.ts'

const KIND = '(?:async )?function\\*?|const|let|(?:abstract )?class|interface|type|enum'
const DECLARED = new RegExp(`^export (?:declare )?(?:(?:${KIND}) (\\w+)|const \\{([^}]*)\\})`, 'gm')
/** A dynamic import, or one of everything. */
const WHOLE = /\b(?:import\(|(?:import|export)\s+\*(?:\s+as\s+\w+)?\s+from)\s*'(\.[^']+\.ts)'/g
const LIST = /\b(import|export)\s+(?:type\s+)?(?:\w+\s*,\s*)?\{([^}]*)\}(?:\s*from\s*'([^']+)')?/g

/** The names that `source` exports, each with the comment that ends in the line above it. */
export function exportsOf(source: string): { name: string; comment: string }[] {
  const code = strip(source)
  const declared = [...code.matchAll(DECLARED)].flatMap(({ index, 1: name, 2: parts = '' }) => {
    const [comment = ''] = /(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/|\/\/.*)\n$/.exec(source.slice(0, index)) ?? []
    const names = name ? [name] : parts.split(',').map((part) => part.replace(/.*:/, '').trim())
    return names.filter((each) => each !== '').map((each) => ({ name: each, comment }))
  })
  const listed = lists(code).filter(({ keyword }) => keyword === 'export')
  return [...declared, ...listed.flatMap(({ names }) => names.map(({ outside }) => ({ name: outside, comment: '' })))]
}

/** `file#name` for every name that `source` imports or hands on. A file that is imported as a whole, or dynamically, is used by each name that occurs. */
export function usesOf(file: string, source: string): string[] {
  const code = strip(source)
  const named = lists(code).flatMap(({ from, names }) =>
    from?.startsWith('.') ? names.map(({ inside }) => `${join(dirname(file), from)}#${inside}`) : [],
  )
  const words = new Set(strip(source, 'blank').match(/\w+/g))
  const whole = [...code.matchAll(WHOLE)].map(([, from = '']) => join(dirname(file), from))
  return [...named, ...whole.flatMap((target) => [...words].map((word) => `${target}#${word}`))]
}

function lists(code: string) {
  return [...code.matchAll(LIST)].map(([, keyword, list = '', from]) => ({
    keyword,
    from,
    names: list
      .split(',')
      .map((entry) => entry.trim().replace(/^type /, ''))
      .filter((entry) => entry !== '')
      .map((entry) => {
        const [inside = '', outside = inside] = entry.split(/\s+as\s+/)
        return { inside, outside }
      }),
  }))
}
