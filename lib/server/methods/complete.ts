/** `completion/complete`. */
import { invalidParams } from '../../protocol/errors.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { CompleteResult } from '../../protocol/types.ts'
import { normalUri } from '../../protocol/uri.ts'
import { Context } from '../context/context.ts'
import type { Completer } from '../registry/completable.ts'
import type { Caller } from '../registry/config.ts'
import type { Registered } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import { requireValues } from './faults.ts'
import { disabled, type MethodHandler, viewerOf } from './method.ts'

/** The most values of one result, as the specification has it. */
export const MAX_VALUES = 100

/** @throws ProtocolError -32602 for a reference to an entry that does not exist, and for a malformed request */
export const complete: MethodHandler = async (registry, params, channel, ctx): Promise<CompleteResult> => {
  const argument = params?.argument
  if (!isObject(argument) || typeof argument.name !== 'string' || typeof argument.value !== 'string') {
    throw invalidParams('"argument" must have a "name" and a "value", both strings.')
  }
  const completer = completersOf(registry, params?.ref, viewerOf(registry, channel))?.get(argument.name)
  if (completer === undefined) return { completion: { values: [], total: 0, hasMore: false } }
  const context = { arguments: givenArguments(params?.context) }
  const values: unknown = await completer(argument.value, context, ctx ?? new Context(channel, params))
  requireValues(values, 'The completion')
  const total = values.length
  return { completion: { values: values.slice(0, MAX_VALUES), total, hasMore: total > MAX_VALUES } }
}

function completersOf(
  registry: Registry,
  ref: unknown,
  caller: Caller | undefined,
): ReadonlyMap<string, Completer> | undefined {
  const { type, name, uri } = isObject(ref) ? ref : {}
  let entry: Registered<unknown> | undefined
  if (type === 'ref/prompt' && typeof name === 'string') entry = registry.seen(registry.prompts.get(name), caller)
  if (type === 'ref/resource' && typeof uri === 'string') {
    // A fixed resource has no variables; the reference to it is valid.
    entry = registry.findTemplate(uri, caller) ?? registry.seen(registry.resources.get(normalUri(uri)), caller)
  }
  if (entry === undefined) throw invalidParams('"ref" names no prompt and no resource template of this server.')
  if (!entry.enabled) throw type === 'ref/prompt' ? disabled('prompt', String(name)) : disabled('resource', String(uri))
  return entry.complete
}

function givenArguments(context: unknown = {}): Record<string, string> {
  if (!isObject(context)) throw invalidParams('"context" must be an object.')
  const { arguments: given = {} } = context
  if (!isObject(given)) throw invalidParams('"context.arguments" must be an object.')
  for (const name in given) {
    if (typeof given[name] !== 'string') throw invalidParams(`"context.arguments.${name}" must be a string.`)
  }
  return given as Record<string, string>
}
