/**
 * goose: https://goose-docs.ai/docs/getting-started/using-extensions. The link is read by
 * ui/desktop/src/components/settings/extensions/deeplink.ts of aaif-goose/goose: a header is `name=value`, whose value is decoded
 * once more, and a link with a header opens the form in which the token is entered.
 */

import { type Target, TOKEN, tokenNote } from './target.ts'
import { yamlText } from './texts.ts'
import type { Connection } from './types.ts'

/** Seconds that goose waits for a response; its own default. */
const TIMEOUT = 300

export function goose(target: Target): Connection {
  const { place, key, shown, admission } = target
  const bearer = `Bearer ${TOKEN}`
  const query = [
    `url=${encodeURIComponent(place.url)}`,
    'type=streamable_http',
    `id=${key}`,
    `name=${encodeURIComponent(shown)}`,
    `description=${encodeURIComponent(shown)}`,
    `timeout=${TIMEOUT}`,
    ...(admission === 'token' ? [`header=${encodeURIComponent(`Authorization=${encodeURIComponent(bearer)}`)}`] : []),
  ]
  const lines = [
    'extensions:',
    `  ${key}:`,
    '    enabled: true',
    '    type: streamable_http',
    `    name: ${yamlText(shown)}`,
    `    description: ${yamlText(shown)}`,
    `    uri: ${yamlText(place.url)}`,
    `    timeout: ${TIMEOUT}`,
    ...(admission === 'token' ? ['    headers:', `      Authorization: ${yamlText(bearer)}`] : []),
  ]
  return {
    client: 'goose',
    title: 'goose',
    link: { text: 'Add to goose', href: `goose://extension?${query.join('&')}` },
    steps: [
      {
        text: 'Add the server to the settings, or with goose configure > Add Extension > Remote Extension (Streamable HTTP).',
        code: { language: 'yaml', text: lines.join('\n'), file: '~/.config/goose/config.yaml' },
      },
      ...(admission === 'oauth' ? [{ text: 'goose opens the sign-in when the extension starts.' }] : []),
    ],
    notes: tokenNote(target),
  }
}
