/** Whether the store has room for a further session or log. */
import type { RequestId } from '../protocol/jsonrpc.ts'
import type { Instance } from '../runtime/instance.ts'
import { storeNearlyFull, tooManyStoredByClient } from '../runtime/refusals.ts'

/** @throws Refusal where the store has no room, or none for this client */
export function requireRoom({ options, store, stored }: Instance, client: string | undefined, id?: RequestId): void {
  if (store.nearlyFull()) throw storeNearlyFull(id)
  if (stored.over(client)) throw tooManyStoredByClient(options.maxStored, id)
}
