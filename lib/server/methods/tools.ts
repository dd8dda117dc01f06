/** `tools/call`. */

import { downgradeToolResult } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { CallToolResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { RegisteredTool } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import type { Checked } from '../schema/check.ts'
import { failureText, passesThrough } from './failures.ts'

/**
 * Calls a tool. Arguments that do not fit, errors that the handler throws and results that do not fit `outputSchema`
 * are results with `isError`, which a model can read.
 *
 * @throws ProtocolError -32602 for an unknown tool
 */
export function callTool(
  registry: Registry,
  params: JsonObject | undefined,
  channel: ClientChannel,
): CallToolResult | Promise<CallToolResult> {
  const name = params?.name
  const tool = typeof name === 'string' ? registry.tools.get(name) : undefined
  if (tool === undefined) throw new ProtocolError(ErrorCode.InvalidParams, `Unknown tool ${JSON.stringify(name)}.`)
  const args = params?.arguments ?? {}
  if (!isObject(args)) throw new ProtocolError(ErrorCode.InvalidParams, '"arguments" must be an object.')

  if (tool.input === undefined) return run(tool, args, params, channel)
  const checked = tool.input.check(args)
  return checked instanceof Promise
    ? checked.then((outcome) => runChecked(tool, outcome, params, channel))
    : runChecked(tool, checked, params, channel)
}

function runChecked(tool: RegisteredTool, checked: Checked, params: JsonObject | undefined, channel: ClientChannel) {
  return checked.ok
    ? run(tool, checked.value, params, channel)
    : toolError(`The arguments do not fit the input schema of "${tool.definition.name}": ${checked.problems}`)
}

function run(
  tool: RegisteredTool,
  args: unknown,
  params: JsonObject | undefined,
  channel: ClientChannel,
): CallToolResult | Promise<CallToolResult> {
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

function finish(
  tool: RegisteredTool,
  value: unknown,
  channel: ClientChannel,
): CallToolResult | Promise<CallToolResult> {
  if (!isObject(value) || (value.content === undefined && value.structuredContent === undefined)) {
    throw new ProtocolError(ErrorCode.InternalError, `The tool "${tool.definition.name}" returned no content.`)
  }
  if (tool.output === undefined || value.isError === true) return complete(value, channel)
  const { structuredContent } = value
  if (structuredContent === undefined) return unfit(tool, 'there is no structuredContent')
  const checked = tool.output.check(structuredContent)
  const then = (outcome: Checked) =>
    outcome.ok ? complete({ ...value, structuredContent: outcome.value }, channel) : unfit(tool, outcome.problems)
  return checked instanceof Promise ? checked.then(then) : then(checked)
}

/** A result and no protocol error: the model can read it, and try another tool or other arguments. */
function unfit(tool: RegisteredTool, problems: string): CallToolResult {
  return toolError(`The result of "${tool.definition.name}" does not fit its output schema: ${problems}`)
}

function complete(value: JsonObject, channel: ClientChannel): CallToolResult {
  // Clients without structured content, and models, read the text.
  const content = value.content ?? [{ type: 'text', text: JSON.stringify(value.structuredContent) }]
  const result = value.content === undefined ? { ...value, content } : value
  return downgradeToolResult(result as CallToolResult, channel.revision)
}
