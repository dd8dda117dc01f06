/** A notification of a session's client that is kept for the author's server. */
import type { JsonObject } from '../../protocol/jsonrpc.ts'

export interface Heard {
  /** Random, other for each notification. */
  id: string
  method: string
  params?: JsonObject
}

/** The name of the latest notification of a method among the values of its session. */
export function heardName(method: string): string {
  return `mcp-anywhere heard ${method}`
}
