/** What a look at a program finds: from the process that runs it to the one that asked. `custom`: its transport is its own. */
import type { SdkCopy } from '../hook/sdk-files.ts'

export type Found =
  /** It connects a server, which can be served from here. */
  | {
      kind: 'server'
      sdk: SdkCopy
      custom: boolean
      /** The member that keeps the state of one client, as a predicate of the server. */
      state: string | undefined
    }
  /** It gives a function that makes its servers. */
  | { kind: 'factory'; sdk: SdkCopy; custom: boolean }
  /** It uses the stdio transport of the SDK without a server of the SDK. */
  | { kind: 'alone'; sdk: SdkCopy }
  /** It answers on stdout, and the hook has seen nothing of it. */
  | { kind: 'speaker' }

export function isFound(message: unknown): message is Found {
  return typeof message === 'object' && message !== null && 'kind' in message
}
