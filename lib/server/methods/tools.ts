/** `tools/call`. */

import { asError, textOf } from '../../base/errors.ts'
import { toJson } from '../../base/to-json.ts'
import { downgradeToolResult } from '../../protocol/downgrade.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type { CallToolResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import { toolError } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import type { RegisteredTool } from '../registry/entries.ts'
import type { Checked } from '../schema/check.ts'
import { failureText, passesThrough } from './failures.ts'
import { toolResultFault } from './faults.ts'
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
      : withFault(
          toolError(`The arguments do not fit the input schema of "${tool.definition.name}": ${checked.problems}`),
          'arguments',
        ),
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

function failed(thrown: unknown, channel: ClientChannel): CallToolResult {
  const error = asError(thrown)
  if (passesThrough(error, channel)) throw error
  return withFault(toolError(failureText(error)), 'exception', error)
}

/** The result of a tool for the client. Also a result that cannot be read is no reason to throw. */
function finish(tool: RegisteredTool, value: unknown, channel: ClientChannel): ToolReply {
  try {
    const { name } = tool.definition
    const fault = toolResultFault(value)
    if (fault !== undefined) return resultError(`The tool "${name}" returned no valid result: ${fault}`)
    const result = value as JsonObject
    if (tool.output === undefined || result.isError === true) return complete(result, channel)
    const { structuredContent } = result
    const then = (outcome: Checked) =>
      outcome.ok
        ? complete({ ...result, structuredContent: outcome.value }, channel)
        : resultError(`The result of "${name}" does not fit its output schema: ${outcome.problems}`)
    if (structuredContent === undefined) return then({ ok: false, problems: 'there is no structuredContent' })
    const checked = tool.output.check(structuredContent)
    if (!(checked instanceof Promise)) return then(checked)
    return checked.then(then).catch((error: unknown) => unreadable(value, error))
  } catch (error) {
    return unreadable(value, error)
  }
}

/** The error for a result that failed when it was read. It names the place where JSON finds that. */
function unreadable(value: unknown, thrown: unknown): CallToolResult {
  try {
    toJson(value)
  } catch (error) {
    return resultError(textOf(error))
  }
  return resultError(textOf(thrown))
}

function resultError(text: string): CallToolResult {
  return withFault(toolError(text), 'result', new TypeError(text))
}

function complete(value: JsonObject, channel: ClientChannel): CallToolResult {
  // Clients without structured content, and models, read the text.
  const content = value.content ?? [{ type: 'text', text: toJson(value.structuredContent, 'structuredContent') }]
  const result = value.content === undefined ? { ...value, content } : value
  return downgradeToolResult(result as CallToolResult, channel.revision)
}
