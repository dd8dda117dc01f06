/** What the module of a server exports, checked where it is loaded. */
import { McpServer } from '../server/mcp-server.ts'

/**
 * The server, if `value` is one. Everything else stops the start with one line that says what it is and what to do.
 *
 * @param value what the module exports as `server`, else its default export
 * @param file the module as its author names it
 */
export async function serverOf(value: unknown, file: string): Promise<McpServer> {
  if (value instanceof McpServer) return value
  const { problemOf } = await import('./no-server.ts')
  console.error(`${file} ${problemOf(value)}`)
  process.exit(1)
}
