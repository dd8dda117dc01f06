/** mcp-remote, for clients that start a process: https://github.com/geelen/mcp-remote. */

import { type Target, TOKEN, tokenNote } from './target.ts'
import { jsonFile } from './texts.ts'
import type { Connection } from './types.ts'

export function mcpRemote(target: Target): Connection {
  const { place, key, admission } = target
  const { url, secure, plainLocal } = place
  const args = ['-y', 'mcp-remote', url]
  if (!secure && !plainLocal) args.push('--allow-http')
  const settings = {
    command: 'npx',
    // Some clients split an argument at its spaces, so that the value with the space is in the environment.
    args: admission === 'token' ? [...args, '--header', `Authorization:\${MCP_AUTHORIZATION}`] : args,
    ...(admission === 'token' && { env: { MCP_AUTHORIZATION: `Bearer ${TOKEN}` } }),
  }
  return {
    client: 'mcp-remote',
    title: 'mcp-remote (Claude Desktop, and others that only start processes)',
    steps: [
      {
        text: "Add the server to the client's settings. In Claude Desktop: Settings > Developer > Edit Config.",
        code: {
          language: 'json',
          text: jsonFile({ mcpServers: { [key]: settings } }),
          file: 'claude_desktop_config.json',
        },
      },
      { text: 'Start the client again.' },
      ...(admission === 'oauth' ? [{ text: 'A browser opens for the sign-in.' }] : []),
    ],
    notes: [
      'It needs Node 18 or newer, and connects from this machine: the address may be one that only this machine reaches.',
      ...tokenNote(target),
    ],
  }
}
