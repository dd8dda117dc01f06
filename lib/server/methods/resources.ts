/** `resources/read`. */

import { downgradeReadResult } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { STATELESS_REVISION } from '../../protocol/revisions.ts'
import type { ReadResourceResult } from '../../protocol/types.ts'
import type { Variables } from '../../protocol/uri-template.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { McpServer } from '../mcp-server.ts'
import type { RegisteredResource, RegisteredTemplate } from '../registry/entries.ts'
import { asProtocolError } from './failures.ts'

export type FoundResource =
  | { entry: RegisteredResource; uri: URL; variables: undefined }
  | { entry: RegisteredTemplate; uri: URL; variables: Variables }

/** The resource or template that a URI belongs to: an exact URI before a template, templates in their order. */
export function findResource(server: McpServer, text: string): FoundResource | undefined {
  const uri = URL.parse(text)
  if (uri === null) return undefined
  const fixed = server.resources.get(text) ?? server.resources.get(uri.href)
  if (fixed !== undefined) return { entry: fixed, uri, variables: undefined }
  for (const entry of server.templates.values()) {
    const variables = entry.template.uriTemplate.match(uri.href)
    if (variables !== undefined) return { entry, uri, variables }
  }
  return undefined
}

/**
 * Reads a resource.
 *
 * @throws ProtocolError -32602 without a URI; for a URI that nothing is at, -32002 in a session and -32602 in the
 *   stateless revision
 */
export async function readResource(
  server: McpServer,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Promise<JsonObject> {
  const text = params?.uri
  if (typeof text !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, '"uri" must be a string.')
  const found = findResource(server, text)
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
  if (channel.revision !== STATELESS_REVISION) return downgradeReadResult(result, channel.revision)
  const hint = server.cacheHint('resources/read', found.entry.cacheHint)
  return { ...result, ...(found.entry.requiredScopes.length > 0 ? { ...hint, cacheScope: 'private' } : hint) }
}

/**
 * The error for a URI that nothing is at. A handler of a template throws it for a variable that names nothing.
 */
export function resourceNotFound(uri: string, { revision }: { readonly revision: string }): ProtocolError {
  const code = revision === STATELESS_REVISION ? ErrorCode.InvalidParams : ErrorCode.ResourceNotFound
  return new ProtocolError(code, `Resource not found: ${uri}`, { uri })
}
