/** Requests by hand: one that opens a session, and one of the revision without sessions. */
import { META } from '../protocol/meta.ts'
import { LATEST_SESSION_REVISION, STATELESS_REVISION } from '../protocol/revisions.ts'
import { type Target, TOKEN_VARIABLE } from './target.ts'
import { shellWord } from './texts.ts'
import type { Code, Connection } from './types.ts'

const CLIENT = { name: 'curl', version: '1' }

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: LATEST_SESSION_REVISION, capabilities: {}, clientInfo: CLIENT },
}

const DISCOVER = {
  jsonrpc: '2.0',
  id: 1,
  method: 'server/discover',
  params: {
    _meta: { [META.protocolVersion]: STATELESS_REVISION, [META.clientInfo]: CLIENT, [META.clientCapabilities]: {} },
  },
}

export function curl({ place, admission }: Target): Connection {
  const request = (message: object, headers: readonly string[]): Code => {
    const all = ['Content-Type: application/json', 'Accept: application/json, text/event-stream', ...headers]
    const lines = [
      `curl -si ${shellWord(place.url)}`,
      ...(admission === 'open' ? [] : [`-H "Authorization: Bearer $${TOKEN_VARIABLE}"`]),
      ...all.map((header) => `-H ${shellWord(header)}`),
      `-d ${shellWord(JSON.stringify(message))}`,
    ]
    return { language: 'shell', text: lines.join(' \\\n  ') }
  }
  return {
    client: 'curl',
    title: 'curl',
    steps: [
      ...(admission === 'open'
        ? []
        : [
            {
              text: 'Put a token into the environment of the shell; read keeps it out of the history.',
              code: { language: 'shell', text: `read -rs ${TOKEN_VARIABLE}` } as const,
            },
          ]),
      {
        text: `Open a session (${LATEST_SESSION_REVISION}). Later requests send the header Mcp-Session-Id of the response.`,
        code: request(INITIALIZE, []),
      },
      {
        text: `Or send requests without a session (${STATELESS_REVISION}): this one asks what the server has.`,
        code: request(DISCOVER, [`MCP-Protocol-Version: ${STATELESS_REVISION}`, 'Mcp-Method: server/discover']),
      },
    ],
    notes: ['The commands are for the shells of Linux, macOS and Git for Windows.'],
  }
}
