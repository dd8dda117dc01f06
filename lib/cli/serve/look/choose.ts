/** Whether a program is served from this process, or has a process for each session. */
import type { Found } from './messages.ts'

/** Why a program needs a process for each session, as a sentence without its end. Undefined: it does not. */
export function whyIsolated(found: Found): string | undefined {
  switch (found.kind) {
    case 'factory':
      return undefined
    case 'server':
      if (found.extended) return 'its transport is a class of its own, which may change messages'
      if (found.state === undefined) return undefined
      return `its server ${found.state}, so it keeps the state of one client`
    case 'wrapped':
      return 'it reads from the stdio transport by itself'
    case 'reader':
      return 'it reads stdin by itself, or has the SDK bundled with it'
  }
}
