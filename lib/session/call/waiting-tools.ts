/** Tools whose calls wait for their client in this instance, where they could be suspended. Each is named once. */
import { warning } from '../../base/errors.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { CallParts } from './host.ts'
import { maySuspend, streamsCanSuspend } from './suspendable.ts'

/** Names of tools are the author's, but a client may name any. */
const MOST = 200

const named = new WeakMap<Instance, Set<string>>()

/** A call asks its client. Where it keeps its run while it waits, and could do without, its tool is named. */
export function nameWaiting(parts: CallParts): void {
  const { host, request } = parts
  const name = request.params?.name
  if (request.method !== 'tools/call' || typeof name !== 'string') return
  if (!streamsCanSuspend(parts) || maySuspend(parts)) return
  const known = named.get(host.instance) ?? new Set()
  named.set(host.instance, known)
  if (known.has(name) || known.size >= MOST) return
  known.add(name)
  host.instance.report(warning(waitingText(name)))
}

function waitingText(name: string): string {
  return (
    `The tool ${JSON.stringify(name)} waits for its client and keeps this instance: put its effects into ctx.once and mark it ` +
    'durable: true (docs/durable.md), or mark it readOnlyHint where it has none.'
  )
}
