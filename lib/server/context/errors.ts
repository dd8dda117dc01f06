/** Errors of asks, and the result of a tool that failed. */
import type { CallToolResult, ClientCapabilities } from '../../protocol/types.ts'

/** The reason why an ask has no usable answer. */
export type AskFailure =
  /** The client answered with a JSON-RPC error. */
  | 'refused'
  /** No answer before the deadline. */
  | 'timeout'
  /** The client takes no stream, so the ask cannot reach it. */
  | 'unreachable'
  /** The answer does not have the shape that the ask needs. */
  | 'invalid'

/** The client was asked and gave no usable answer. A handler may catch it and go on. */
export class AskError extends Error {
  override readonly name = 'AskError'
  readonly reason: AskFailure
  /** The code of the client's JSON-RPC error. */
  readonly code: number | undefined
  readonly data: unknown

  constructor(reason: AskFailure, message: string, details: { code?: number; data?: unknown } = {}) {
    super(message)
    this.reason = reason
    this.code = details.code
    this.data = details.data
  }
}

/**
 * The answer has not come yet: the run of the handler ends here, and the client's retry replays it. Only the stateless
 * revision throws it. A handler that catches all errors should throw this one again; its result would be discarded.
 */
export class AskPending extends Error {
  override readonly name = 'AskPending'
  readonly key: string

  constructor(key: string) {
    super(`The client has yet to answer "${key}".`)
    this.key = key
  }
}

/** The handler asked for a capability that the client did not declare. */
export class MissingCapability extends Error {
  override readonly name = 'MissingCapability'
  /** As the error -32021 carries it: `{ elicitation: { url: {} } }`. */
  readonly requiredCapabilities: ClientCapabilities

  constructor(requiredCapabilities: ClientCapabilities, reason?: string) {
    super(reason ?? `This needs a client with the capability ${capabilityNames(requiredCapabilities)}.`)
    this.requiredCapabilities = requiredCapabilities
  }
}

function capabilityNames(capabilities: ClientCapabilities): string {
  const names = Object.entries(capabilities).flatMap(([name, parts]) => {
    const keys = Object.keys(parts ?? {})
    return keys.length === 0 ? [name] : keys.map((key) => `${name}.${key}`)
  })
  return names.map((name) => `"${name}"`).join(' and ')
}

/** The result of a tool that failed: the model can read it, and try another tool or other arguments. */
export function toolError(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}
