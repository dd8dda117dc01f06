/** Cursor: https://cursor.com/docs/mcp and https://cursor.com/docs/mcp/install-links. */

import { type Target, TOKEN_VARIABLE } from './target.ts'
import { asciiJson, jsonFile } from './texts.ts'
import type { Connection } from './types.ts'

export function cursor({ place, key, admission }: Target): Connection {
  const { url } = place
  const settings =
    admission === 'token' ? { url, headers: { Authorization: `Bearer \${env:${TOKEN_VARIABLE}}` } } : { url }
  const config = encodeURIComponent(btoa(asciiJson(settings)))
  return {
    client: 'cursor',
    title: 'Cursor',
    link: {
      text: 'Add to Cursor',
      href: `cursor://anysphere.cursor-deeplink/mcp/install?name=${key}&config=${config}`,
    },
    steps: [
      {
        text: 'Add the server to the settings of all projects, or to .cursor/mcp.json of one.',
        code: { language: 'json', text: jsonFile({ mcpServers: { [key]: settings } }), file: '~/.cursor/mcp.json' },
      },
      ...(admission === 'oauth'
        ? [{ text: `In Cursor's settings for MCP, press Connect beside ${key} and sign in.` }]
        : []),
    ],
    notes:
      admission === 'token'
        ? [`The token is read from the environment: set ${TOKEN_VARIABLE} before you start Cursor.`]
        : [],
  }
}
