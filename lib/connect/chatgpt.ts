/** ChatGPT, in developer mode. */

import type { Target } from './target.ts'
import { fromInternet } from './tunnel.ts'
import type { Connection } from './types.ts'

/** https://developers.openai.com/api/docs/guides/developer-mode: HTTPS, and OAuth or no authentication. */
export function chatgpt({ place, shown, admission }: Target): Connection {
  const { url, steps, notes, obstacle } = fromInternet('ChatGPT', place, admission)
  const noField =
    'ChatGPT signs in with OAuth and has no field for a token: set AUTH_ISSUER, or use a client that runs on your machine.'
  return {
    client: 'chatgpt',
    title: 'ChatGPT',
    steps: [
      ...steps,
      { text: 'In ChatGPT on the web, open Settings > Apps > Advanced settings and turn on Developer mode.' },
      {
        text: `Press Create app and enter the name "${shown}" and this address as the MCP server URL.`,
        code: { language: 'text', text: url },
      },
      {
        text:
          admission === 'oauth'
            ? 'Choose OAuth as the authentication, press Create, and sign in.'
            : 'Choose No authentication and press Create.',
      },
      { text: 'In a chat, press + and choose the app.' },
    ],
    notes: [
      'Plus, Pro, Business, Enterprise and Education accounts have developer mode; a workspace may need its admin.',
      ...notes,
    ],
    obstacle: admission === 'token' ? noField : obstacle,
  }
}
