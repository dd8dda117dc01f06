/** The scopes that a request needs: those of the tool, resource or prompt that it is about. */

import type { AuthInfo } from '../../protocol/auth-info.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import type { McpServer } from '../mcp-server.ts'
import { findResource } from './resources.ts'

/** All scopes that a request needs, for one challenge, if the caller lacks any of them. */
export function missingScopes(
  server: McpServer,
  auth: AuthInfo | undefined,
  method: string,
  params: JsonObject | undefined,
): readonly string[] | undefined {
  if (auth === undefined || server.scopes.size === 0) return undefined
  const needed = neededScopes(server, method, params)
  return needed.every((scope) => auth.scopes.includes(scope)) ? undefined : needed
}

const NONE: readonly string[] = []

/** What does not exist needs nothing: the method itself says that it does not. */
export function neededScopes(server: McpServer, method: string, params: JsonObject | undefined): readonly string[] {
  switch (method) {
    case 'tools/call':
      return server.tools.get(String(params?.name))?.requiredScopes ?? NONE
    case 'prompts/get':
      return server.prompts.get(String(params?.name))?.requiredScopes ?? NONE
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return scopesOfUri(server, params?.uri)
    case 'completion/complete':
      return scopesOfReference(server, params?.ref)
    case 'subscriptions/listen': {
      const uris = isObject(params?.notifications) ? params.notifications.resourceSubscriptions : undefined
      return Array.isArray(uris) ? [...new Set(uris.flatMap((uri) => scopesOfUri(server, uri)))] : NONE
    }
    default:
      return NONE
  }
}

function scopesOfUri(server: McpServer, uri: unknown): readonly string[] {
  return (typeof uri === 'string' ? findResource(server, uri)?.entry.requiredScopes : undefined) ?? NONE
}

function scopesOfReference(server: McpServer, ref: unknown): readonly string[] {
  const { type, name, uri } = isObject(ref) ? ref : {}
  if (type === 'ref/prompt') return server.prompts.get(String(name))?.requiredScopes ?? NONE
  return server.templates.get(String(uri))?.requiredScopes ?? scopesOfUri(server, uri)
}
