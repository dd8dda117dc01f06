/** How each client is connected to an endpoint. Nothing here needs Node: the page and the command line share it. */
import { chatgpt } from './chatgpt.ts'
import { claude, claudeCode } from './claude.ts'
import { curl } from './curl.ts'
import { cursor } from './cursor.ts'
import { gemini } from './gemini.ts'
import { goose } from './goose.ts'
import { librechat } from './librechat.ts'
import { mcpRemote } from './mcp-remote.ts'
import { type Target, targetOf } from './target.ts'
import type { Address, ClientId, Connection } from './types.ts'
import { vscode } from './vscode.ts'

/** In the order in which they are shown. */
const CLIENTS: Readonly<Record<ClientId, (target: Target) => Connection>> = {
  'claude-code': claudeCode,
  claude,
  chatgpt,
  cursor,
  vscode,
  'gemini-cli': gemini,
  goose,
  librechat,
  'mcp-remote': mcpRemote,
  curl,
}

export const CLIENT_IDS: readonly ClientId[] = Object.keys(CLIENTS) as ClientId[]

/**
 * The connections of all clients, in the order in which they are shown.
 *
 * @throws TypeError for a URL that is none of HTTP
 */
export function connectionsTo(address: Address): Connection[] {
  const target = targetOf(address)
  return Object.values(CLIENTS).map((connect) => connect(target))
}
