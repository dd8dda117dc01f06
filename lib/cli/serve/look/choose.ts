/** Whether a program is served from this process, or has a process for each session. */
import type { Found } from './messages.ts'

/** Why a program needs a process for each session, with its SDK, as a sentence without its end. Undefined: it does not. */
export function whyIsolated(found: Found): string | undefined {
  const why = whyOf(found)
  if (why === undefined || found.kind === 'speaker') return why
  return `${why} (with ${found.sdk.name} ${found.sdk.version})`
}

const CUSTOM = 'its transport is one of its own around stdio, which may change messages'

function whyOf(found: Found): string | undefined {
  switch (found.kind) {
    case 'factory':
      return found.custom ? CUSTOM : undefined
    case 'server':
      if (found.custom) return CUSTOM
      if (found.state === undefined) return undefined
      return `its server ${found.state}, so it keeps the state of one client`
    case 'alone':
      return 'it uses the stdio transport without a server of the SDK'
    case 'speaker':
      return 'the hook sees no server of it, because it has the SDK bundled with it or speaks MCP in a way of its own'
  }
}
