/** The error for what is no server. A bundle has it in a file of its own, which is read when it is used. */
import { kindOf } from '../base/to-json.ts'

/** @param option given beside an `McpServer` of this package, and for servers of the official SDK alone */
export function noServer(given: unknown, option?: string): TypeError {
  if (option !== undefined) {
    return new TypeError(
      `${option} is an option for servers of the official SDK. Registrations of an McpServer have their own.`,
    )
  }
  return new TypeError(
    typeof given === 'object' && given !== null && 'then' in given
      ? 'The server is a promise: await it, or give the function that makes it.'
      : `The server is ${kindOf(given)}, and must be an McpServer, a server of the official SDK, or a function that makes one.`,
  )
}
