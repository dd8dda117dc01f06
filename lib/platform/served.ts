/** What the module of a server exports, checked where it is loaded. */
import { dispatcherFor, isOfficial } from '../sdk/official.ts'
import type { OfficialOptions } from '../sdk/options.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import { McpServer } from '../server/mcp-server.ts'

/**
 * The server, if `value` is one. Everything else stops the start with one line that says what it is and what to do.
 *
 * @param value what the module exports as `server`, else its default export
 * @param file the module as its author names it
 * @param serving what it exports as `serving`: options of a server of the official SDK
 */
export async function serverOf(value: unknown, file: string, serving?: unknown): Promise<McpServer | Dispatcher> {
  if (value instanceof McpServer) return value
  const mayBe = typeof value === 'function' || (typeof value === 'object' && value !== null)
  if (mayBe && isOfficial(value)) return dispatcherFor(value, readServing(serving))
  const { problemOf } = await import('./no-server.ts')
  console.error(`${file} ${problemOf(value)}`)
  process.exit(1)
}

/** The options are checked when the server is opened. */
function readServing(serving: unknown): OfficialOptions {
  if (serving === undefined) return {}
  if (typeof serving === 'object' && serving !== null) return serving
  console.error('"serving" must be an object of options for a server of the official SDK.')
  process.exit(1)
}
