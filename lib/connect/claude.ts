/** Claude Code, and the connectors of claude.ai, Claude Desktop and the apps. */

import { type Target, TOKEN, tokenNote } from './target.ts'
import { shellWord } from './texts.ts'
import { fromInternet } from './tunnel.ts'
import type { Connection } from './types.ts'

/** https://code.claude.com/docs/en/mcp: `--header` takes all words that follow, so it stands last. */
export function claudeCode(target: Target): Connection {
  const { place, key, admission } = target
  const words = ['claude', 'mcp', 'add', '--transport', 'http', key, shellWord(place.url)]
  if (admission === 'token') words.push('--header', `"Authorization: Bearer ${TOKEN}"`)
  return {
    client: 'claude-code',
    title: 'Claude Code',
    steps: [
      {
        text: 'Add the server. It belongs to this folder then; --scope user adds it for all folders.',
        code: { language: 'shell', text: words.join(' ') },
      },
      ...(admission === 'oauth' ? [{ text: `Start claude, enter /mcp, choose ${key} and sign in.` }] : []),
    ],
    notes: tokenNote(target),
  }
}

const SIGN_IN = {
  open: 'Press Add.',
  oauth: 'Press Add, then Connect, and sign in.',
  token: 'Press Add.',
} as const

/**
 * The link is that of https://claude.com/docs/connectors/building/directory-vs-custom, and who connects, from where and with which
 * authorization is in https://support.claude.com/en/articles/11503834-building-custom-integrations-via-remote-mcp-servers.
 */
export function claude({ place, shown, admission }: Target): Connection {
  const reached = fromInternet('Claude', place, admission)
  const { url, steps, notes, obstacle } = reached
  const noField =
    'Connectors of Claude sign in with OAuth and have no field for a token: set AUTH_ISSUER, or use Claude Code or mcp-remote.'
  const query = `modal=add-custom-connector&connectorName=${encodeURIComponent(shown)}&connectorUrl=${encodeURIComponent(url)}`
  return {
    client: 'claude',
    title: 'Claude (claude.ai, Desktop, mobile)',
    steps: [
      ...steps,
      {
        text: `In Claude, open Customize > Connectors, press + and Add custom connector, and enter the name and this address.`,
        code: { language: 'text', text: url },
      },
      { text: SIGN_IN[admission] },
    ],
    ...(obstacle === undefined && {
      link: { text: 'Add to Claude', href: `https://claude.ai/customize/connectors?${query}` },
    }),
    notes: [
      'On Team and Enterprise plans an owner adds the connector first, in the settings of the organization.',
      ...notes,
    ],
    obstacle: admission === 'token' ? noField : obstacle,
  }
}
