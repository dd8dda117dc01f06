/**
 * VS Code: https://code.visualstudio.com/docs/agents/reference/mcp-configuration, and the link of
 * https://code.visualstudio.com/api/extension-guides/ai/mcp#mcp-url-handler.
 */

import type { Target } from './target.ts'
import { asciiJson, jsonFile } from './texts.ts'
import type { Connection } from './types.ts'

export function vscode({ place, key, admission }: Target): Connection {
  const input = `${key}-token`
  const server = {
    type: 'http',
    url: place.url,
    ...(admission === 'token' && { headers: { Authorization: `Bearer \${input:${input}}` } }),
  }
  const inputs =
    admission === 'token'
      ? { inputs: [{ type: 'promptString', id: input, description: `Token of ${key}`, password: true }] }
      : {}
  return {
    client: 'vscode',
    title: 'VS Code',
    link: { text: 'Add to VS Code', href: link({ name: key, ...server, ...inputs }) },
    steps: [
      {
        text: 'Add the server to a project, or with the command "MCP: Open User Configuration" to all.',
        code: { language: 'json', text: jsonFile({ servers: { [key]: server }, ...inputs }), file: '.vscode/mcp.json' },
      },
      ...(admission === 'oauth' ? [{ text: 'Start the server in that file. VS Code opens the sign-in.' }] : []),
    ],
    notes: admission === 'token' ? ['VS Code asks for the token when the server starts, and keeps it safe.'] : [],
  }
}

/**
 * VS Code decodes the query twice (src/vs/workbench/contrib/mcp/browser/mcpUrlHandler.ts), so that a percent sign would not
 * arrive, or end the link: JSON has another way to write it.
 */
function link(config: object): string {
  return `vscode:mcp/install?${encodeURIComponent(asciiJson(config).replaceAll('%', '\\u0025'))}`
}
