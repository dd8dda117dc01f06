/** The arguments of `dev`. */
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'

export interface DevOptions {
  /** The file that exports the server; undefined: that of the settings. */
  server: string | undefined
  port: string | undefined
  instances: number
  /** Where the inspector listens: `port` or `host:port`; undefined: nowhere. */
  inspect: string | undefined
}

const MOST = 16
const INSPECTOR = '9229'

const OPTIONS = { port: { type: 'string', short: 'p' }, instances: { type: 'string', short: 'n' } } as const

/** @throws Failure */
export function readOptions(command: Pick<Command, 'usage'>, args: readonly string[]): DevOptions {
  // It may stand alone, which `parseArgs` does not know.
  const inspects = args.filter((arg) => /^--inspect(?:=|$)/.test(arg))
  const inspect = inspects.at(-1)?.replace(/^--inspect=?/, '')
  const others = args.filter((arg) => !inspects.includes(arg))
  const { values, positionals } = readArguments('dev', command, others, OPTIONS)
  const [server] = positionals
  const instances = Number(values.instances ?? (inspect === undefined ? 2 : 1))
  if (!Number.isInteger(instances) || instances < 1 || instances > MOST) {
    throw new Failure(`--instances must be a whole number from 1 to ${MOST}, not "${values.instances}".`)
  }
  if (inspect !== undefined && instances > 1) {
    throw new Failure('--inspect serves one instance, so that a breakpoint meets every request. Leave out --instances.')
  }
  if (inspect !== undefined && !/^(?:(?:[^:]+:)?\d{1,5})?$/.test(inspect)) {
    throw new Failure(`--inspect must be a port or host:port, not "${inspect}".`)
  }
  return { server, port: values.port, instances, inspect: inspect === '' ? INSPECTOR : inspect }
}
