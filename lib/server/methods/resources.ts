/** `resources/read`. */

import { downgradeReadResult } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { features, type Revision } from '../../protocol/revisions.ts'
import type { ReadResourceResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { Registry } from '../registry/registry.ts'
import { asProtocolError } from './failures.ts'

/**
 * Reads a resource.
 *
 * @throws ProtocolError -32602 without a URI; for a URI without a resource, -32002 in a session and -32602 in the
 *   stateless revision
 */
export async function readResource(
  registry: Registry,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<JsonObject> {
  const text = params?.uri
  if (typeof text !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, '"uri" must be a string.')
  const found = registry.findResource(text)
  if (found === undefined) throw resourceNotFound(text, channel)
  const ctx = new Context(channel, params)
  let result: ReadResourceResult
  try {
    result =
      found.variables === undefined
        ? ((await found.entry.handler(found.uri, ctx)) as ReadResourceResult)
        : ((await found.entry.handler(found.uri, found.variables, ctx)) as ReadResourceResult)
  } catch (error) {
    throw asProtocolError(error, channel)
  }
  if (!isObject(result) || !Array.isArray(result.contents)) {
    throw new ProtocolError(ErrorCode.InternalError, `The resource "${found.entry.definition.name}" has no contents.`)
  }
  if (!features(channel.revision).cacheHints) return downgradeReadResult(result, channel.revision)
  const { policy, cacheHint } = found.entry
  const hint = registry.cacheHint('resources/read', cacheHint, 0)
  return { ...result, ...(policy.scopes.length > 0 ? { ...hint, cacheScope: 'private' } : hint) }
}

/** The error for a URI without a resource. The handler of a template throws it for a variable that names nothing. */
export function resourceNotFound(uri: string, { revision }: { readonly revision: Revision }): ProtocolError {
  const code = features(revision).resourceNotFoundCode ? ErrorCode.ResourceNotFound : ErrorCode.InvalidParams
  return new ProtocolError(code, `Resource not found: ${uri}`, { uri })
}
