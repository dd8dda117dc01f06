/**
 * The names of OpenTelemetry's semantic conventions for MCP, as far as they are used. A test compares them with the
 * package of the conventions.
 */

/** Metrics: histograms in seconds. */
export const METRICS = {
  serverOperation: 'mcp.server.operation.duration',
  serverSession: 'mcp.server.session.duration',
  clientOperation: 'mcp.client.operation.duration',
} as const

/** The bounds of the buckets that the conventions ask for, in seconds. */
export const BUCKETS: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]

/** Attributes of spans. Those of metrics are among them. */
export const ATTRIBUTES = {
  method: 'mcp.method.name',
  revision: 'mcp.protocol.version',
  session: 'mcp.session.id',
  resource: 'mcp.resource.uri',
  tool: 'gen_ai.tool.name',
  prompt: 'gen_ai.prompt.name',
  operation: 'gen_ai.operation.name',
  requestId: 'jsonrpc.request.id',
  code: 'rpc.response.status_code',
  errorType: 'error.type',
  transport: 'network.transport',
  protocol: 'network.protocol.name',
  protocolVersion: 'network.protocol.version',
  clientAddress: 'client.address',
  clientPort: 'client.port',
} as const

/** The value of `gen_ai.operation.name` for a call of a tool. */
export const EXECUTE_TOOL = 'execute_tool'

/** The value of an attribute that has none of its own. */
export const OTHER = '_OTHER'

/** Attributes of spans that the conventions have no name for. */
export const OWN_ATTRIBUTES = {
  /** takeover: another instance has begun the call. wake: the call was suspended, or this is a later leg of its task. */
  run: 'mcp_anywhere.run',
  /** The name of the task, for operators, and the leg of it that runs. */
  task: 'mcp_anywhere.task',
  leg: 'mcp_anywhere.leg',
  /** The outcome of a run that was no result: see docs/events.md. */
  outcome: 'mcp_anywhere.outcome',
} as const
