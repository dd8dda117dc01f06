/** Takes over the calls, of connections here, whose instances are dead. */
import type { HeldConnection } from './held.ts'
import type { Instance } from './instance.ts'
import { instanceOf } from './name.ts'

/** @throws StoreUnavailable */
export async function findLostCalls({ connections, presence, turns, id }: Instance): Promise<void> {
  const watchers: HeldConnection[] = [...connections.values()]
  await Promise.all(watchers.map((watcher) => watcher.findOwners && turns.run(async () => watcher.findOwners?.())))
  const watched = new Set<string>()
  for (const watcher of watchers) for (const owner of watcher.owners()) watched.add(instanceOf(owner))
  watched.delete(id)
  if (watched.size === 0) return
  const dead = await presence.dead([...watched])
  if (dead.size === 0) return
  for (const watcher of watchers) {
    for (const owner of [...watcher.owners()]) if (dead.has(instanceOf(owner))) watcher.ownerLost(owner)
  }
}
