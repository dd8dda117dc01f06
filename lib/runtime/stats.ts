/** What an instance has open. */
import type { Instance } from './instance.ts'

export function statsOf({ connections, calls, unregistered, retry }: Instance) {
  return { connections: connections.size, calls: calls.size, unregistered: unregistered.size, owed: retry.size }
}
