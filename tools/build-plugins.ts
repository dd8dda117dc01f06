/** What the bundle leaves out or writes shorter of the Redis client. Nothing that a deployed endpoint does changes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

interface Command {
  arity: number
  flags: string[]
  keyStart: number
  keyStop: number
  step: number
  subcommands?: Table
}
type Table = Record<string, Command>

/** The client's table of Redis commands is a tenth of the bundle, most of it the same words again and again. */
export const compactCommands: Plugin = {
  name: 'compact-commands',
  setup(build) {
    build.onLoad({ filter: /@ioredis[\\/]commands[\\/]built[\\/]commands\.json$/ }, ({ path }) => {
      const table = JSON.parse(readFileSync(path, 'utf8')) as Table
      const contents = `module.exports = ${compacted(table)}`
      return { contents, loader: 'js' }
    })
  },
}

/** An expression that gives `table` again. */
function compacted(table: Table): string {
  const flags: string[] = []
  const write = ({ arity, flags: words, keyStart, keyStop, step, subcommands, ...others }: Command): string => {
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
  const make = '(arity, f, keyStart, keyStop, step, more) => ({ arity, flags: F[f], keyStart, keyStop, step, ...more })'
  const expression = `(() => { const F = [${flags}]; const c = ${make}; return ${all} })()`
  assert.deepEqual(new Function(`return ${expression}`)(), table)
  return expression
}

/** Its traces for `DEBUG=ioredis:*`, and the certificates of a hosted Redis that REDIS_URL has no word for. */
export const quiet: Plugin = {
  name: 'quiet',
  setup(build) {
    build.onLoad({ filter: /node_modules[\\/]debug[\\/]src[\\/]index\.js$/ }, () => ({
      contents: 'exports.default = () => Object.assign(() => {}, { enabled: false })',
    }))
    build.onLoad({ filter: /ioredis[\\/]built[\\/]constants[\\/]TLSProfiles\.js$/ }, () => ({
      contents: 'exports.default = {}',
    }))
  },
}
