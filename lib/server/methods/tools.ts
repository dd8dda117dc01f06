/** `tools/call`. */

import { downgradeToolResult } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { CallToolResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { RegisteredTool } from '../registry/entries.ts'
import type { Checked } from '../schema/check.ts'
import { failureText, passesThrough } from './failures.ts'
import { type MethodHandler, withEntry } from './method.ts'

type ToolReply = CallToolResult | Promise<CallToolResult>

/**
 * Calls a tool. Arguments that do not fit, errors that the handler throws and results that do not fit `outputSchema`
 * are results with `isError`, which a model can read.
 *
 * @throws ProtocolError -32602 for an unknown tool
 */
export const callTool: MethodHandler = ({ tools }, params, channel) =>
  withEntry('tool', tools, params, (tool, checked) =>
    checked.ok
      ? run(tool, checked.value, params, channel)
      : toolError(`The arguments do not fit the input schema of "${tool.definition.name}": ${checked.problems}`),
  )

function run(tool: RegisteredTool, args: unknown, params: JsonObject | undefined, channel: ClientChannel): ToolReply {
  try {
    const result = tool.handler(args, new Context(channel, params))
    if (!isThenable(result)) return finish(tool, result, channel)
    return Promise.resolve(result).then(
      (value) => finish(tool, value, channel),
      (error: unknown) => failed(error, channel),
    )
  } catch (error) {
    return failed(error, channel)
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function failed(error: unknown, channel: ClientChannel): CallToolResult {
  if (passesThrough(error, channel)) throw error
  return toolError(failureText(error))
}

function toolError(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}

function finish(tool: RegisteredTool, value: unknown, channel: ClientChannel): ToolReply {
  if (!isObject(value) || (value.content === undefined && value.structuredContent === undefined)) {
    throw new ProtocolError(ErrorCode.InternalError, `The tool "${tool.definition.name}" returned no content.`)
  }
  if (tool.output === undefined || value.isError === true) return complete(value, channel)
  const { structuredContent } = value
  // A result and no protocol error: the model can read it, and try another tool or other arguments.
  const then = (outcome: Checked) =>
    outcome.ok
      ? complete({ ...value, structuredContent: outcome.value }, channel)
      : toolError(`The result of "${tool.definition.name}" does not fit its output schema: ${outcome.problems}`)
  if (structuredContent === undefined) return then({ ok: false, problems: 'there is no structuredContent' })
  const checked = tool.output.check(structuredContent)
  return checked instanceof Promise ? checked.then(then) : then(checked)
}

function complete(value: JsonObject, channel: ClientChannel): CallToolResult {
  // Clients without structured content, and models, read the text.
  const content = value.content ?? [{ type: 'text', text: JSON.stringify(value.structuredContent) }]
  const result = value.content === undefined ? { ...value, content } : value
  return downgradeToolResult(result as CallToolResult, channel.revision)
}
