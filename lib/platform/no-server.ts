/** What a module exports that is no server. Loaded when it is used. */

const IMPORT = 'import { McpServer } from "mcp-anywhere"'

/** Why `value` is no server, as a sentence without its subject. */
export function problemOf(value: unknown): string {
  if (value === undefined) return 'must export the server: export const server = new McpServer({ … }).'
  if (typeof value !== 'object' || value === null) {
    return `exports ${value === null ? 'null' : `a ${typeof value}`} as its server. Export an McpServer as "server".`
  }
  if ('registry' in value && 'registerTool' in value) {
    return (
      'exports a server of another copy of mcp-anywhere. "npm ls mcp-anywhere" names both, ' +
      'and "npm dedupe" leaves one; run the command as "npx mcp-anywhere" in the project.'
    )
  }
  const { name } = value.constructor ?? {}
  return `exports an object of ${name || 'no class'} as its server. Export an McpServer: ${IMPORT}.`
}
