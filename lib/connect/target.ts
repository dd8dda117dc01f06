/** What the snippets of each client are made of. */
import { type Place, readPlace } from './place.ts'
import { keyName, shownName } from './texts.ts'
import type { Address, Admission } from './types.ts'

export interface Target {
  place: Place
  /** The server's name for people. */
  shown: string
  /** The server's name in settings: letters, digits and hyphens. */
  key: string
  admission: Admission
}

/** What a person replaces by the token. */
export const TOKEN = 'YOUR_TOKEN'

/** The environment variable that settings read the token from. */
export const TOKEN_VARIABLE = 'MCP_TOKEN'

/** @throws TypeError for a URL that is none of HTTP */
export function targetOf({ url, name, admission }: Address): Target {
  const place = readPlace(url)
  if (place === undefined)
    throw new TypeError(`${JSON.stringify(url.slice(0, 200))} is no address such as https://host/mcp.`)
  return { place, shown: shownName(name), key: keyName(name), admission }
}

/** Where no client gets a token by itself. */
export function tokenNote({ admission }: Target): string[] {
  if (admission !== 'token') return []
  return [`The endpoint names no authorization server: its operator gives you the token for ${TOKEN}.`]
}
