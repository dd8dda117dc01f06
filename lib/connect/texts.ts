/** Texts in the places that snippets have for them: shells, links, YAML. A server's name is any text, so none is taken as it is. */

/** Characters of a name that is shown. */
const MAX_SHOWN = 80
const MAX_KEY = 50
/** A name that Claude Code keeps for itself. */
const RESERVED = 'workspace'

/** On one line, without characters that control a terminal or the direction of text. */
export function withoutControls(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** The name for people. */
export function shownName(name: string): string {
  const line = withoutControls(name).replace(/\s+/g, ' ').trim()
  return [...line].slice(0, MAX_SHOWN).join('').trim() || 'MCP server'
}

/**
 * The name as a key of a client's settings: letters, digits and hyphens. Claude Code takes no others, Gemini CLI reads an underscore
 * as the end of the name, and VS Code wants neither spaces nor special characters.
 */
export function keyName(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}+/gu, '')
  const key = plain.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')
  const short = key.slice(0, MAX_KEY).replace(/-$/, '') || 'mcp-server'
  return short.toLowerCase() === RESERVED ? `${short}-mcp` : short
}

/** A word of a command. Texts that need no quotes in any shell get none, so that they can be pasted into each. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** JSON as a file has it. */
export function jsonFile(value: object): string {
  return JSON.stringify(value, undefined, 2)
}

/** A text as YAML: double quotes, whose escapes are those of JSON. */
export function yamlText(text: string): string {
  return JSON.stringify(text)
}

/** JSON in ASCII alone, so that every decoder reads the same. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
