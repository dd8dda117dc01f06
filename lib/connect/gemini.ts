/** Gemini CLI: https://geminicli.com/docs/tools/mcp-server. */

import { type Target, TOKEN, TOKEN_VARIABLE, tokenNote } from './target.ts'
import { jsonFile, shellWord } from './texts.ts'
import type { Connection } from './types.ts'

export function gemini(target: Target): Connection {
  const { place, key, admission } = target
  const words = ['gemini', 'mcp', 'add', '--scope', 'user', '--transport', 'http']
  if (admission === 'token') words.push('--header', `"Authorization: Bearer ${TOKEN}"`)
  const settings = {
    // `url` was HTTP+SSE in its older versions.
    httpUrl: place.url,
    ...(admission === 'token' && { headers: { Authorization: `Bearer $${TOKEN_VARIABLE}` } }),
  }
  return {
    client: 'gemini-cli',
    title: 'Gemini CLI',
    steps: [
      { text: 'Add the server.', code: { language: 'shell', text: [...words, key, shellWord(place.url)].join(' ') } },
      {
        text: 'Or write it into the settings.',
        code: {
          language: 'json',
          text: jsonFile({ mcpServers: { [key]: settings } }),
          file: '~/.gemini/settings.json',
        },
      },
      ...(admission === 'oauth' ? [{ text: `Start gemini and enter /mcp auth ${key} to sign in.` }] : []),
    ],
    notes: [
      ...tokenNote(target),
      ...(admission === 'token'
        ? [`The settings read the token from the environment variable ${TOKEN_VARIABLE}.`]
        : []),
    ],
  }
}
