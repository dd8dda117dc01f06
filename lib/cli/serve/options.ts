/** What `serve` is asked for: on the command line, and in the settings of the project. */
import type { ServeConfig } from '../../mcp-config.ts'
import type { OfficialOptions } from '../../sdk/options.ts'
import { readArguments } from '../arguments.ts'
import type { Command } from '../command.ts'
import { Failure } from '../command.ts'

export interface ServeOptions {
  /** The package or the file, as it was named. */
  named: string
  args: readonly string[]
  bin: string | undefined
  /** Undefined: a look at the program decides. */
  isolate: 'session' | 'none' | undefined
  /** Everybody who reaches the address may call. */
  open: boolean
  /** How long the program may take until it connects, in ms. */
  wait: number
  /** Variables of the program. */
  env: Readonly<Record<string, string>>
  official: OfficialOptions
}

/** ms */
const WAIT = 60_000

const NOTHING = 'What is to be served? Name a package or a file: mcp-anywhere serve @modelcontextprotocol/server-memory'

/** @throws Failure with one line for an argument that cannot work */
export function readServeOptions(
  command: Pick<Command, 'usage'>,
  given: readonly string[],
  config: ServeConfig | undefined,
): ServeOptions {
  const at = given.indexOf('--')
  const own = at < 0 ? [...given] : given.slice(0, at)
  const rest = at < 0 ? undefined : given.slice(at + 1)
  const { positionals, values } = readArguments('serve', command, own, {
    bin: { type: 'string' },
    isolate: { type: 'string' },
    open: { type: 'boolean' },
    wait: { type: 'string' },
    env: { type: 'string', multiple: true },
  })
  const [named = config?.package] = positionals
  if (named === undefined) throw new Failure(NOTHING)
  // What is set for one program is not meant for another one.
  const set: Partial<ServeConfig> = positionals.length === 0 || named === config?.package ? (config ?? {}) : {}
  const { instances, attribution, tools } = set
  return {
    named,
    args: rest ?? set.args ?? [],
    bin: values.bin ?? set.bin,
    isolate: isolateOf(values.isolate ?? set.isolate),
    open: values.open ?? set.open ?? false,
    wait: waitOf(values.wait ?? set.wait),
    env: { ...set.env, ...Object.fromEntries((values.env ?? []).map(variableOf)) },
    official: { instances, attribution, tools },
  }
}

function isolateOf(value: string | undefined): ServeOptions['isolate'] {
  if (value === undefined || value === 'session' || value === 'none') return value
  throw new Failure(
    `--isolate ${value} does not exist; there are session and none. Without it a look at the program decides.`,
  )
}

function waitOf(value: string | number | undefined): number {
  if (value === undefined) return WAIT
  const seconds = Number(value)
  if (seconds > 0 && seconds <= 3_600) return seconds * 1_000
  throw new Failure(`--wait must be a number of seconds up to 3600, not "${value}".`)
}

function variableOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new Failure(`--env must be NAME=value, not "${text}".`)
}
