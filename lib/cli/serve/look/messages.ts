/** What a look at a program finds: from the process that runs it to the one that asked. `custom`: its transport is its own. */
import type { SdkCopy } from '../hook/sdk-files.ts'

export type Found =
  /** It connects a server, which can be served from here. */
  | {
      kind: 'server'
      sdk: SdkCopy
      /** The member that keeps the state of one client, as a predicate of the server. */
      state: string | undefined
      custom: boolean
    }
  /** It gives a function that makes its servers. */
  | { kind: 'factory'; sdk: SdkCopy; custom: boolean }
  /** It uses the stdio transport of the SDK without a server of the SDK. */
  | { kind: 'alone'; sdk: SdkCopy }
  /** It reads stdin in a way of its own. Where it has loaded the SDK, it may still connect a server. */
  | { kind: 'reader'; sdk: SdkCopy | undefined }

export function isFound(message: unknown): message is Found {
  return typeof message === 'object' && message !== null && 'kind' in message
}
