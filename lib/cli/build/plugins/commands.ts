/** The Redis client's table of commands, in fewer bytes. */
import assert from 'node:assert/strict'
import { REDIS_COMMANDS, within } from '../../own.ts'
import { rewriting } from './rewriting.ts'

interface Command {
  arity: number
  flags: string[]
  keyStart: number
  keyStop: number
  step: number
  subcommands?: Table
}
type Table = Record<string, Command>

/** Compacts the client's table of Redis commands: a tenth of the bundle, most of it repeated words. */
export const compactCommands = rewriting(
  'compact-commands',
  within(REDIS_COMMANDS, 'built/commands\\.json'),
  (text) => `module.exports = ${compacted(JSON.parse(text) as Table)}`,
)

/** A JavaScript expression that evaluates to `table`. */
function compacted(table: Table): string {
  const flags: string[] = []
  const shapes: string[] = []
  const write = (command: Command): string => {
    const text = shape(command)
    if (command.subcommands) return text
    if (!shapes.includes(text)) shapes.push(text)
    return `S[${shapes.indexOf(text)}]`
  }
  const shape = ({ arity, flags: words, keyStart, keyStop, step, subcommands, ...others }: Command): string => {
    const text = JSON.stringify(words)
    if (!flags.includes(text)) flags.push(text)
    const rest = Object.entries(others).map(([name, value]) => `${name}:${JSON.stringify(value)}`)
    if (subcommands) rest.push(`subcommands:${writeAll(subcommands)}`)
    const more = rest.length > 0 ? `,{${rest}}` : ''
    return `c(${[arity, flags.indexOf(text), keyStart, keyStop, step]}${more})`
  }
  const writeAll = (commands: Table): string =>
    `{${Object.entries(commands).map(([name, command]) => `${JSON.stringify(name)}:${write(command)}`)}}`
  const all = writeAll(table)
  const words = [...new Set(flags.flatMap((text) => JSON.parse(text) as string[]))]
  const rows = flags.map((text) => (JSON.parse(text) as string[]).map((word) => words.indexOf(word)).join(' '))
  const make = '(arity, f, keyStart, keyStop, step, more) => ({ arity, flags: F[f], keyStart, keyStop, step, ...more })'
  const expression = `(() => { const W = '${words.join(' ')}'.split(' '); const F = '${rows.join()}'.split(',').map((row) => row === '' ? [] : row.split(' ').map((i) => W[i])); const c = ${make}; const S = [${shapes}]; return ${all} })()`
  assert.deepEqual(new Function(`return ${expression}`)(), table)
  return expression
}
