/** Takes over the calls, of connections here, whose instances are dead. */
import type { HeldConnection } from './held.ts'
import type { Instance } from './instance.ts'
import { instanceOf } from './name.ts'

/** @throws StoreUnavailable */
export async function findLostCalls({ connections, presence, turns, id }: Instance): Promise<void> {
  const watchers: HeldConnection[] = [...connections.values()]
  await Promise.all(watchers.map((watcher) => watcher.findOwners && turns.run(async () => watcher.findOwners?.())))
  // A run that its instance names anew meanwhile lives: only the owners from before the question are concluded to be dead.
  const owned = watchers.map((watcher) => ({ watcher, owners: [...watcher.owners()] }))
  const watched = new Set(owned.flatMap(({ owners }) => owners.map(instanceOf)))
  watched.delete(id)
  if (watched.size === 0) return
  const dead = await presence.dead([...watched])
  if (dead.size === 0) return
  for (const { watcher, owners } of owned) {
    for (const owner of owners) if (dead.has(instanceOf(owner))) watcher.ownerLost(owner)
  }
}
