import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import type { Registry } from '../registry/registry.ts'

/** How the registry answers one method. */
export interface Handler {
  /** An entry is registered that the method can be about. Without one the server does not have the method. */
  has(registry: Registry): boolean
  run(registry: Registry, params: JsonObject | undefined, channel: ClientChannel): Result | Promise<Result>
}
