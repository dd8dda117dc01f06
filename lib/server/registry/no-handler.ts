/** The error for a registration without a handler. A bundle has it in a file of its own, which is read when it is used. */
import { kindOf } from '../../base/to-json.ts'
import type { ListKind } from './announcement.ts'

interface Given {
  readonly name: string
  readonly handler: unknown
}

const CALLS = {
  tools: ['Tool', 'registerTool(name, config, handler)'],
  resources: ['Resource', 'registerResource(name, uri, config, handler), with a URI or a template'],
  prompts: ['Prompt', 'registerPrompt(name, config, handler)'],
} as const

/** A configuration that was left out has the handler in its place. */
export function noHandler(kind: ListKind, { name, handler }: Given): TypeError {
  const [what, call] = CALLS[kind]
  return new TypeError(`${what} "${name}": the handler is ${kindOf(handler)} and must be a function. Call ${call}.`)
}
