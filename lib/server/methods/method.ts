/** The interface of a method's handler, and what the handlers of several methods share. */
import { invalidParams, type ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../../protocol/jsonrpc.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { withFault } from '../context/fault.ts'
import type { Registry } from '../registry/registry.ts'
import type { Checked } from '../schema/check.ts'
import type { CompiledSchema } from '../schema/schema.ts'

type Params = JsonObject | undefined

/** Answers one method. */
export type MethodHandler = (registry: Registry, params: Params, channel: ClientChannel) => Result | Promise<Result>

/**
 * Calls `run` with the tool or prompt that a request names and its checked arguments: at once, without a promise, where
 * the check is done at once.
 *
 * @throws ProtocolError -32602 for the name of no entry or of a disabled one, and for arguments that are no object
 */
export function withEntry<E extends { input: CompiledSchema | undefined; enabled: boolean }>(
  kind: string,
  entries: ReadonlyMap<string, E>,
  params: Params,
  run: (entry: E, checked: Checked) => Result | Promise<Result>,
): Result | Promise<Result> {
  const name = params?.name
  if (typeof name !== 'string') throw invalidParams('"name" must be a string.')
  const entry = entries.get(name)
  if (entry === undefined) throw withFault(invalidParams(`Unknown ${kind} ${JSON.stringify(name)}.`), 'unknown')
  if (!entry.enabled) throw disabled(kind, name)
  const args = params?.arguments ?? {}
  if (!isObject(args)) throw invalidParams('"arguments" must be an object.')
  const checked = entry.input?.check(args) ?? { ok: true, value: args }
  return checked instanceof Promise ? checked.then((outcome) => run(entry, outcome)) : run(entry, checked)
}

/** The error for an entry that the author has disabled. */
export function disabled(kind: string, name: string): ProtocolError {
  return withFault(invalidParams(`The ${kind} ${JSON.stringify(name)} is disabled.`), 'unknown')
}
