/** `tools/call`. */

import { textOf } from '../../base/errors.ts'
import { toJson } from '../../base/to-json.ts'
import { downgradeToolResult } from '../../protocol/downgrade.ts'
import { isObject, type JsonObject, type Result } from '../../protocol/jsonrpc.ts'
import type { CallToolResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import { toolError } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import { asksSent } from '../context/on-demand.ts'
import type { RegisteredTool } from '../registry/entries.ts'
import type { Checked } from '../schema/check.ts'
import { failureText, passing, readable } from './failures.ts'
import { checkArguments, type MethodHandler, namedEntry } from './method.ts'
import { LIMITS, MORE } from './on-demand.ts'

type ToolReply = CallToolResult | Promise<CallToolResult>

/**
 * Calls a tool. Arguments that do not fit, errors that the handler throws and results that do not fit `outputSchema`
 * are results with `isError`, which a model can read.
 *
 * @throws ProtocolError -32602 for an unknown tool
 */
export const callTool: MethodHandler = (registry, params, channel, ctx) => {
  const tool = namedEntry('tool', registry.tools, registry, params, channel)
  return tool.limits === undefined
    ? callEntry(tool, params, channel, ctx)
    : callWithinLimits(tool, params, channel, ctx)
}

/** A function of its own: one that holds a function allocates in each call, also where that is not made. */
function callWithinLimits(
  tool: RegisteredTool,
  params: JsonObject | undefined,
  channel: ClientChannel,
  ctx: Context | undefined,
): Result | Promise<Result> {
  const work = () => callEntry(tool, params, channel, ctx)
  const isInner = ctx !== undefined
  const { now } = LIMITS
  if (now) return now(tool, channel, work, isInner)
  return LIMITS.load().then((withinLimits) => withinLimits(tool, channel, work, isInner))
}

function callEntry(
  tool: RegisteredTool,
  params: JsonObject | undefined,
  channel: ClientChannel,
  ctx: Context | undefined,
): Result | Promise<Result> {
  const checked = checkArguments(tool, params)
  if (checked instanceof Promise) return callOnceChecked(tool, checked, params, channel, ctx)
  return checked.ok ? run(tool, checked.value, params, channel, ctx) : misfit(tool, checked.problems)
}

async function callOnceChecked(
  tool: RegisteredTool,
  checking: Promise<Checked>,
  params: JsonObject | undefined,
  channel: ClientChannel,
  ctx: Context | undefined,
): Promise<Result> {
  const checked = await checking
  return checked.ok ? run(tool, checked.value, params, channel, ctx) : misfit(tool, checked.problems)
}

function misfit({ definition }: RegisteredTool, problems: string): CallToolResult {
  const text = `The arguments do not fit the input schema of "${definition.name}": ${problems}`
  return withFault(toolError(text), 'arguments')
}

/** The client that a result is made for. Undefined: a middleware gets it first. */
type Receiver = ClientChannel | undefined

function run(
  tool: RegisteredTool,
  args: unknown,
  params: JsonObject | undefined,
  channel: ClientChannel,
  ctx: Context | undefined,
): ToolReply {
  const to = ctx ? undefined : channel
  try {
    const result = tool.handler(args, ctx ?? new Context(channel, params))
    return isThenable(result) ? settled(tool, result, to, channel) : finish(tool, result, to)
  } catch (error) {
    return failed(error, channel)
  }
}

async function settled(
  tool: RegisteredTool,
  result: unknown,
  to: Receiver,
  channel: ClientChannel,
): Promise<CallToolResult> {
  let value: unknown
  try {
    value = await result
  } catch (error) {
    return failed(error, channel)
  }
  return finish(tool, value, to)
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function failed(thrown: unknown, channel: ClientChannel): ToolReply {
  const loading = asksSent()
  if (loading) return loading.then(() => failed(thrown, channel))
  const passed = passing(thrown, channel, true)
  if (passed) throw passed
  const error = readable(thrown)
  return withFault(toolError(failureText(error)), 'exception', error)
}

/** The result of a tool for the client. Also a result that cannot be read is no reason to throw. */
function finish(tool: RegisteredTool, value: unknown, to: Receiver): ToolReply {
  const loading = asksSent()
  if (loading) return loading.then(() => finish(tool, value, to))
  try {
    if (isPlain(value)) return checkOutput(tool, value, to)
    if (MORE.now) return explain(tool, value, to, MORE.now.toolResultFault)
  } catch (error) {
    return unreadable(value, error)
  }
  return MORE.load().then(({ toolResultFault }) => {
    try {
      return explain(tool, value, to, toolResultFault)
    } catch (error) {
      return unreadable(value, error)
    }
  })
}

/** Most results are texts. They are read without a name for each place, and without the code that has the names. */
function isPlain(value: unknown): value is JsonObject {
  if (!isObject(value) || value._meta !== undefined) return false
  const { content, isError } = value
  if ((isError !== undefined && typeof isError !== 'boolean') || !Array.isArray(content)) return false
  // By number: the array of an author may have holes.
  for (let at = 0; at < content.length; at++) {
    const block: unknown = content[at]
    if (!isObject(block) || block.type !== 'text' || typeof block.text !== 'string') return false
    if (block.mimeType !== undefined || block.annotations !== undefined || block._meta !== undefined) return false
  }
  return true
}

function explain(
  tool: RegisteredTool,
  value: unknown,
  to: Receiver,
  faultOf: (value: unknown) => string | undefined,
): ToolReply {
  const fault = faultOf(value)
  if (fault === undefined) return checkOutput(tool, value as JsonObject, to)
  return resultError(`The tool "${tool.definition.name}" returned no valid result: ${fault}`)
}

/** A result whose content is valid: its structured content is checked, and what the client needs is added. */
export function checkOutput(tool: RegisteredTool, result: JsonObject, to: Receiver): ToolReply {
  if (tool.output === undefined || result.isError === true) return complete(result, to)
  const { structuredContent } = result
  const then = (outcome: Checked) =>
    outcome.ok
      ? complete({ ...result, structuredContent: outcome.value }, to)
      : resultError(`The result of "${tool.definition.name}" does not fit its output schema: ${outcome.problems}`)
  if (structuredContent === undefined) return then({ ok: false, problems: 'there is no structuredContent' })
  const checked = tool.output.check(structuredContent)
  if (!(checked instanceof Promise)) return then(checked)
  return checked.then(then).catch((error: unknown) => unreadable(result, error))
}

/** The error for a result that failed when it was read. It names the place where JSON finds that. */
export function unreadable(value: unknown, thrown: unknown): CallToolResult {
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

export function complete(value: JsonObject, to: Receiver): CallToolResult {
  // Clients without structured content, and models, read the text.
  const content = value.content ?? [{ type: 'text', text: toJson(value.structuredContent, 'structuredContent') }]
  const result = value.content === undefined ? { ...value, content } : value
  return to ? downgradeToolResult(result as CallToolResult, to.revision) : (result as CallToolResult)
}
