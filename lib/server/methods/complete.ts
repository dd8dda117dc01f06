/** `completion/complete`. */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { CompleteResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { Completer } from '../registry/completable.ts'
import type { Registry } from '../registry/registry.ts'
import { asProtocolError } from './failures.ts'

/** The most values of one result, as the specification has it. */
const MAX_VALUES = 100

/** @throws ProtocolError -32602 for a reference to an entry that does not exist, and for a malformed request */
export async function complete(
  registry: Registry,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<CompleteResult> {
  const argument = params?.argument
  if (!isObject(argument) || typeof argument.name !== 'string' || typeof argument.value !== 'string') {
    throw new ProtocolError(ErrorCode.InvalidParams, '"argument" must have a "name" and a "value", both strings.')
  }
  const completer = completersOf(registry, params?.ref).get(argument.name)
  if (completer === undefined) return { completion: { values: [], total: 0, hasMore: false } }
  try {
    const context = { arguments: givenArguments(params?.context) }
    const values = await completer(argument.value, context, new Context(channel, params))
    const total = values.length
    return { completion: { values: values.slice(0, MAX_VALUES), total, hasMore: total > MAX_VALUES } }
  } catch (error) {
    throw asProtocolError(error, channel)
  }
}

function completersOf(registry: Registry, ref: unknown): ReadonlyMap<string, Completer> {
  const { type, name, uri } = isObject(ref) ? ref : {}
  if (type === 'ref/prompt' && typeof name === 'string') {
    const prompt = registry.prompts.get(name)
    if (prompt !== undefined) return prompt.complete
  }
  if (type === 'ref/resource' && typeof uri === 'string') {
    const template = registry.templates.get(uri)
    if (template !== undefined) return template.complete
    // A fixed resource has no variables; the reference to it is valid.
    if (registry.resources.has(uri)) return new Map()
  }
  throw new ProtocolError(ErrorCode.InvalidParams, '"ref" names no prompt and no resource template of this server.')
}

function givenArguments(context: unknown): Record<string, string> {
  const given = isObject(context) && isObject(context.arguments) ? context.arguments : {}
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
