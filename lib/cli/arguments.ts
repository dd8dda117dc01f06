/** The arguments of a command. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Command, Failure } from './command.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * Reads the arguments of a command: at most one that is no option.
 *
 * @throws Failure with the usage for an option that does not exist, one without its value, and a second argument
 */
export function readArguments<T extends Options>(
  name: string,
  { usage }: Pick<Command, 'usage'>,
  args: string[],
  options: T,
) {
  const refuse = (why: string): never => {
    throw new Failure(`${why} Usage: mcp-anywhere ${name} ${usage}`)
  }
  const parsed = parse(args, options, refuse)
  const [, second] = parsed.positionals
  if (second !== undefined) refuse(`"${second}" is one argument too many.`)
  return parsed
}

function parse<T extends Options>(args: string[], options: T, refuse: (why: string) => never) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    // Node's sentence goes on with what to do about an argument that begins with a dash.
    const [why = ''] = (error as Error).message.split(/\.\s/)
    return refuse(`${why.replace(/\.$/, '')}.`)
  }
}
