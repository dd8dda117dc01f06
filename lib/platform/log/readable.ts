/** The form of a line of the log for terminals. A bundle loads it where there is one. */
import type { Line } from './format.ts'

const COLORS = { INFO: 32, WARNING: 33, ERROR: 31 } as const

/** Members that a terminal shows by themselves, or has no room for. */
const HIDDEN = new Set(['id', 'http', 'path', 'method', 'tool', 'prompt', 'resource', 'status', 'outcome', 'ms'])
const LONG = new Set(['session', 'instance', 'revision', 'trace', 'span'])

export function readableLine({ level, time, message, members }: Line, color: boolean): string {
  const paint = (code: number, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text)
  const at = new Date(time).toTimeString().slice(0, 8)
  const { http, path, method, tool, prompt, resource, status, outcome, ms } = members
  const parts = [http, path, method, tool ?? prompt ?? resource, status, outcome, ms === undefined ? ms : `${ms} ms`]
  const shown = parts.filter((part) => part !== undefined).map((part) => oneLine(String(part)))
  const rest = Object.entries(members).filter(
    ([name, value]) => value !== undefined && !HIDDEN.has(name) && !LONG.has(name),
  )
  const more = rest.map(
    ([name, value]) => `${name}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
  const head = `${paint(2, at)} ${paint(COLORS[level], level.padEnd(7))} ${[...shown, ...more].join('  ')}`.trimEnd()
  if (message === undefined) return `${head}\n`
  return shown.length + more.length > 0
    ? `${head}\n  ${plain(message).replaceAll('\n', '\n  ')}\n`
    : `${head}  ${plain(message)}\n`
}

/** Clients choose names and texts: what would control the terminal is left out. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are meant
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
}

function oneLine(text: string): string {
  return plain(text).replaceAll('\n', ' ')
}
