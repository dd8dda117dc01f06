/** The end of a run: no call and no fault is left. What do sessions, Redis and the processes have then? */
import { pause, type World } from './clients/world.ts'
import { isCount, isMark, isRecord, type Rest, type Session } from './history.ts'
import type { Fleet } from './processes/fleet.ts'

/** How long keys may take to go beyond their longest lifetime, in ms. */
const GRACE = 6_000
/** Keys that belong to no session. */
const COMMON = /^mcp:(up:|held:\{|\{bus[.\d]*\}:)/

/** A client whose last session may be open still. */
interface Resting {
  readonly session: Session
  end(): Promise<void>
}

export async function comeToRest(fleet: Fleet, world: World, clients: Resting[]): Promise<Rest> {
  const resting = clients.filter(({ session }) => session.restful && !session.lost)
  await settled(
    resting.map(({ session }) => session),
    world,
  )
  const there = (await fleet.servers.keys()).map(({ key }) => key)
  const fields = await Promise.all(resting.map(({ session }) => fieldsOf(fleet, there, session)))
  await Promise.all(resting.map((client) => client.end()))
  // A DELETE that a failover lost is repeated by nobody: those sessions end with their lifetime.
  const until = world.now() + world.limits.firstLifetime + GRACE
  const sessions = new Map(world.sessions.map((session) => [session.key, session]))
  const ended = new Set(world.sessions.filter(({ deletion }) => deletion?.acknowledged).map(({ session }) => session))
  const eternal = new Set<string>()
  let keys: Rest['keys'] = []
  for (;;) {
    keys = []
    for (const { key, lifetime } of await fleet.servers.keys()) {
      if (lifetime === -1) eternal.add(key)
      if (COMMON.test(key) || lifetime === -2) continue
      const parts = isCount(key) ? await countedIn(fleet, key) : [{ key, of: /\{(.+?)\}/.exec(key)?.[1] }]
      for (const { key, of } of parts) {
        const session = sessions.get(of ?? '')?.session
        keys.push({ key, lifetime, ...(session !== undefined && { session }) })
      }
    }
    // The logs of sessions that nobody ended live longer than their sessions.
    const waiting = keys.some(({ key, session }) => isRecord(key) || (ended.has(session ?? '') && !isMark(key)))
    if (!waiting || world.now() > until) break
    await pause(500)
  }
  const processes = await Promise.all(
    fleet.places.map(async (place) => {
      await pause(100)
      const stats = await place.stats()
      return { process: place.name, ...stats, before: place.baseline?.heap ?? 0 }
    }),
  )
  return { at: world.now(), fields, eternal: [...eternal], keys, processes }
}

/** What a client's sessions keep, a part each, and the key of its session. A field without a name is the sum. */
async function countedIn(fleet: Fleet, count: string): Promise<{ key: string; of: string | undefined }[]> {
  const parts = (await fleet.servers.fields(count)).filter((part) => part !== '')
  return parts.map((part) => ({ key: `${count} ${part}`, of: part.split(' ')[0] }))
}

/** Waits until each session has heard of the last change of what it is subscribed to, or for some time. */
async function settled(sessions: readonly Session[], world: World): Promise<void> {
  const until = world.now() + 3 * world.limits.heartbeat
  while (world.now() < until && sessions.length > 0) await pause(200)
}

/** The fields of a session, and the journals, that a call may leave behind. */
async function fieldsOf(
  fleet: Fleet,
  keys: readonly string[],
  { session, key }: Session,
): Promise<Rest['fields'][number]> {
  const journals = `mcp:{${key}}:jrn:`
  const kept = keys.flatMap((each) => (each.startsWith(journals) ? `jrn:${each.slice(journals.length)}` : []))
  return { session, fields: [...(await fleet.servers.fields(`mcp:{${key}}:live`)), ...kept] }
}
