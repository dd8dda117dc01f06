/** The interface of a method's handler, and what the handlers of several methods share. */
import { invalidParams, type ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../../protocol/jsonrpc.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import type { Context } from '../context/context.ts'
import { withFault } from '../context/fault.ts'
import type { Caller } from '../registry/config.ts'
import type { Registered } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import { callerOf } from '../registry/visibility.ts'
import type { Checked } from '../schema/check.ts'
import type { CompiledSchema } from '../schema/schema.ts'

type Params = JsonObject | undefined

/**
 * Answers one method.
 *
 * @param ctx where a middleware is around the method: the context of both. The result then goes to the middleware, in the
 *   newest revision and without the last steps, which `methods/outcome.ts` takes
 */
export type MethodHandler = (
  registry: Registry,
  params: Params,
  channel: ClientChannel,
  ctx?: Context,
) => Result | Promise<Result>

/** The caller for whom entries may be hidden; undefined where none is hidden from anybody. */
export function viewerOf(registry: Registry, channel: ClientChannel): Caller | undefined {
  return registry.hides ? callerOf(channel) : undefined
}

/**
 * The tool or prompt that a request names.
 *
 * @throws ProtocolError -32602 for the name of no entry, of one that is hidden from the caller, and of a disabled one
 */
export function namedEntry<E extends Registered<unknown>>(
  kind: string,
  entries: ReadonlyMap<string, E>,
  registry: Registry,
  params: Params,
  channel: ClientChannel,
): E {
  const name = params?.name
  if (typeof name !== 'string') throw invalidParams('"name" must be a string.')
  const entry = registry.seen(entries.get(name), viewerOf(registry, channel))
  if (entry === undefined) throw withFault(invalidParams(`Unknown ${kind} ${JSON.stringify(name)}.`), 'unknown')
  if (!entry.enabled) throw disabled(kind, name)
  return entry
}

/**
 * Checks the arguments of a request: at once, without a promise, where the schema does so.
 *
 * @throws ProtocolError -32602 for arguments that are no object
 */
export function checkArguments(
  { input }: { input: CompiledSchema | undefined },
  params: Params,
): Checked | Promise<Checked> {
  const args = params?.arguments ?? {}
  if (!isObject(args)) throw invalidParams('"arguments" must be an object.')
  return input === undefined ? { ok: true, value: args } : input.check(args)
}

/** The error for an entry that the author has disabled. */
export function disabled(kind: string, name: string): ProtocolError {
  return withFault(invalidParams(`The ${kind} ${JSON.stringify(name)} is disabled.`), 'unknown')
}
