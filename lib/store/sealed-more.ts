/** The part of a sealed store that a first call does not need: its code is loaded when one of these operations is used. */
import { sealedCalls } from './sealed-calls.ts'
import { sealedLogs } from './sealed-logs.ts'
import type { Store } from './store.ts'

/** @param parts those of the sealed store */
export function sealedMore(store: Store, parts: Parameters<typeof sealedCalls>[1]) {
  const { openEntries, ...logs } = sealedLogs(store, parts)
  return { ...logs, ...sealedCalls(store, parts, openEntries) }
}
