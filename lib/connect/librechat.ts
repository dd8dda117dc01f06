/**
 * LibreChat: https://www.librechat.ai/docs/configuration/librechat_yaml/object_structure/mcp_servers, and mcp_settings there for the
 * addresses that it does not connect to by itself.
 */

import { type Target, TOKEN_VARIABLE } from './target.ts'
import { yamlText } from './texts.ts'
import type { Connection } from './types.ts'

export function librechat({ place, key, shown, admission }: Target): Connection {
  const { url, origin, reach } = place
  const { host, port, protocol } = new URL(origin)
  const address = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host
  const lines = [
    ...(reach === 'internet' ? [] : ['mcpSettings:', '  allowedAddresses:', `    - ${yamlText(address)}`]),
    'mcpServers:',
    `  ${key}:`,
    '    type: streamable-http',
    `    url: ${yamlText(url)}`,
    `    title: ${yamlText(shown)}`,
    ...(admission === 'oauth' ? ['    requiresOAuth: true'] : []),
    ...(admission === 'token'
      ? ['    headers:', `      Authorization: ${yamlText(`Bearer \${${TOKEN_VARIABLE}}`)}`]
      : []),
  ]
  return {
    client: 'librechat',
    title: 'LibreChat',
    steps: [
      {
        text: 'Add the server to the settings.',
        code: { language: 'yaml', text: lines.join('\n'), file: 'librechat.yaml' },
      },
      ...(admission === 'token' ? [{ text: `Set ${TOKEN_VARIABLE} in the .env of LibreChat.` }] : []),
      { text: 'Start LibreChat again, and choose the server below the message field or in an agent.' },
      ...(admission === 'oauth' ? [{ text: 'Press Connect beside the server and sign in.' }] : []),
    ],
    notes:
      reach === 'machine'
        ? [
            'In a container, localhost is the container itself: write host.docker.internal instead, in both places, and let that name ' +
              'in here: ALLOWED_HOSTS=host.docker.internal,localhost,127.0.0.1.',
          ]
        : [],
  }
}
