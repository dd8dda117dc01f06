/** How a request claims the stateless revision. All else of that revision is loaded with the first request that does. */
import { isObject } from '../protocol/jsonrpc.ts'
import { META } from '../protocol/meta.ts'

export type ReadHeader = (name: string) => string | undefined

/** True if the body claims the stateless revision: one of the two required fields is there, with any value. */
export function hasClaim(body: unknown): boolean {
  const params = isObject(body) ? body.params : undefined
  const meta = isObject(params) ? params._meta : undefined
  return isObject(meta) && (META.protocolVersion in meta || META.clientCapabilities in meta)
}

/** The value of `MCP-Protocol-Version`. */
export function versionHeader(header: ReadHeader): string | undefined {
  return header('mcp-protocol-version')?.trim()
}
