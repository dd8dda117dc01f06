/** Writes the tables of docs/settings.md, from lib/settings.ts and its parts: `node tools/settings.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Group, Setting } from '../lib/base/setting.ts'
import { kindOf } from '../lib/platform/environment.ts'
import { SETTINGS } from '../lib/settings.ts'
import { CALL_SETTINGS } from '../lib/settings-calls.ts'
import { EXECUTOR_SETTINGS } from '../lib/settings-executors.ts'
import { SERVE_SETTINGS } from '../lib/settings-serve.ts'
import { root } from './build.ts'

const FILE = join(root, 'docs/settings.md')
const BEGIN = '<!-- written by tools/settings.ts -->\n'

const UNITS = Object.entries({ d: 86_400_000, h: 3_600_000, min: 60_000, s: 1_000, ms: 1 })

const FILES: readonly [file: string, table: Readonly<Record<string, Group>>][] = [
  ['lib/settings.ts', without(SETTINGS, CALL_SETTINGS)],
  ['lib/settings-calls.ts', CALL_SETTINGS],
  ['lib/settings-executors.ts', EXECUTOR_SETTINGS],
  ['lib/settings-serve.ts', SERVE_SETTINGS],
]

function without(table: Readonly<Record<string, Group>>, part: object): Readonly<Record<string, Group>> {
  return Object.fromEntries(Object.entries(table).filter(([group]) => !(group in part)))
}

/** Every variable that a platform reads. */
export const VARIABLES = Object.values({ ...SETTINGS, ...EXECUTOR_SETTINGS }).flatMap((group: Group) =>
  Object.values(group).flatMap(({ variable }) => variable ?? []),
)

/** The comments of groups and rows, each with the name that it stands above, in the order of the file. */
function comments(file: string): { name: string; text: string }[] {
  const source = readFileSync(join(root, file), 'utf8')
  const table = source.slice(source.search(/export const \w*SETTINGS = /), source.indexOf('} as const satisfies'))
  return [...table.matchAll(/\/\*\*(.*?)\*\/\s+'?([\w.]+)'?: [\w{]/gs)].map(([, text = '', name = '']) => ({
    name,
    text: text.replace(/\s+(\* )?/g, ' ').trim(),
  }))
}

function tables(): string {
  return FILES.flatMap(([file, table]) => sectionsOf(file, table)).join('\n')
}

function sectionsOf(file: string, table: Readonly<Record<string, Group>>): string[] {
  const all = comments(file)
  const textOf = (name: string) => {
    const next = all.shift()
    if (next?.name !== name) throw new Error(`${file}: ${name} needs a comment.`)
    return next.text
  }
  return Object.entries(table).map(([group, rows]) => {
    const head = `## ${group}\n\n${textOf(group)}\n\n| variable | option | default | meaning | values |\n|---|---|---|---|---|\n`
    const lines = Object.entries(rows).map(([option, row]) => line(group, option, row, textOf(option)))
    return head + lines.join('')
  })
}

function line(group: string, option: string, setting: Setting, text: string): string {
  const name = ['platform', 'executor', 'serve'].includes(group)
    ? ''
    : `\`${group === 'endpoint' ? option : `${group}.${option}`}\``
  const variable = setting.variable === undefined ? '' : `\`${setting.variable}\``
  const values = variable === '' || setting.kind === 'text' ? '' : kindOf(setting).mayBe(setting)
  return `|${[variable, name, shown(setting), text, values].map((cell) => ` ${cell}`.trimEnd()).join(' |')} |\n`
}

function shown({ kind, default: value }: Setting): string {
  if (value === undefined) return ''
  if (kind === 'rate') return `${value.perSecond}/${value.burst}`
  if (kind === 'flag') return value ? '1' : '0'
  if (kind === 'count' && value >= 10_000) return value.toLocaleString('en')
  if (kind !== 'duration') return String(value)
  const [unit, size] = UNITS.find(([, ms]) => value >= ms && value % ms === 0) ?? ['s', 1_000]
  return `${value / size} ${unit}`
}

/** The whole file as it should be. */
export function settingsDocument(): string {
  const [introduction] = readFileSync(FILE, 'utf8').split(BEGIN)
  return `${introduction}${BEGIN}\n${tables()}`
}

if (process.argv[1] === import.meta.filename) writeFileSync(FILE, settingsDocument())
