/** From a method and its parameters to a result: the requests that the author's server answers. */
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, RawJson } from '../protocol/jsonrpc.ts'
import type { ClientChannel } from './context/client-channel.ts'
import type { McpServer } from './mcp-server.ts'
import { complete } from './methods/complete.ts'
import { listPage } from './methods/lists.ts'
import { getPrompt } from './methods/prompts.ts'
import { readResource } from './methods/resources.ts'
import { missingScopes } from './methods/scopes.ts'
import { callTool } from './methods/tools.ts'

export type Result = JsonObject | RawJson

/**
 * Answers one request. What can be answered at once is: a promise is returned only where the handler, or the schema
 * library, returns one.
 *
 * In the stateless revision the result still lacks `resultType` and the server's identity: `completeResult` adds them.
 *
 * @throws ProtocolError (or rejects with it) where the answer is a JSON-RPC error; -32601 for a method that the server
 *   does not have, also because nothing is registered for it
 * @throws AskPending where the run ends with open asks, and MissingCapability, both in the stateless revision only
 */
export function dispatch(
  server: McpServer,
  method: string,
  params: JsonObject | undefined,
  channel: ClientChannel,
): Result | Promise<Result> {
  // HTTP has refused it before, with a challenge; a call that is run again elsewhere comes past this place only.
  if (missingScopes(server, channel.auth, method, params)) {
    throw new ProtocolError(ErrorCode.InvalidRequest, 'The token lacks scopes that this request needs.')
  }
  switch (method) {
    case 'tools/call':
      if (server.hasTools) return callTool(server, params, channel)
      break
    case 'tools/list':
      if (server.hasTools) return listPage(server, method, params, channel)
      break
    case 'resources/read':
      if (server.hasResources) return readResource(server, params, channel)
      break
    case 'resources/list':
    case 'resources/templates/list':
      if (server.hasResources) return listPage(server, method, params, channel)
      break
    case 'prompts/get':
      if (server.hasPrompts) return getPrompt(server, params, channel)
      break
    case 'prompts/list':
      if (server.hasPrompts) return listPage(server, method, params, channel)
      break
    case 'completion/complete':
      if (server.hasCompletions) return complete(server, params, channel)
      break
  }
  throw new ProtocolError(ErrorCode.MethodNotFound, `This server has no method "${method}".`)
}
