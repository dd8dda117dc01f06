/** Each change reaches each subscriber that is there, and no subscriber hears of more changes than there were. */
import type { Entry, Session } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

export function checkUpdates(index: Index): Problem[] {
  const begun = byUri(index.history.ledger.filter(({ e }) => e === 'effect'))
  const announced = byUri(index.history.ledger.filter(({ e }) => e === 'announced'))
  return index.history.sessions.flatMap((session) => [
    ...checkCount(index, session, begun),
    ...checkArrival(index, session, announced, begun),
  ])
}

function byUri(entries: Entry[]): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>()
  for (const entry of entries) {
    if (entry.uri === undefined) continue
    const known = found.get(entry.uri)
    if (known) known.push(entry)
    else found.set(entry.uri, [entry])
  }
  return found
}

function checkCount(index: Index, { session, updates, missed }: Session, begun: Map<string, Entry[]>): Problem[] {
  const counts = new Map<string, number>()
  for (const { uri } of updates) counts.set(uri, (counts.get(uri) ?? 0) + 1)
  return [...counts].flatMap(([uri, count]) => {
    const changes = begun.get(uri) ?? []
    if (count <= changes.length + missed) return []
    // A change whose publication was sent to the store twice may be two changes.
    const repeated = changes.filter(({ process, at }) => index.storeTroubled(process, at, at + 5_000)).length
    if (count <= changes.length + repeated + missed) return []
    const text = `${session} heard ${count} times of ${uri}, which changed ${changes.length} times`
    return [{ property: 'changes are heard once', session, text }]
  })
}

/** Only sessions that live to the end, when all faults are over, must have heard of everything. */
function checkArrival(
  index: Index,
  session: Session,
  announced: Map<string, Entry[]>,
  begun: Map<string, Entry[]>,
): Problem[] {
  const { rest } = index.history
  if (!session.restful || session.lost || !rest || session.listens !== true) return []
  return session.subscriptions.flatMap(({ uri, acknowledged }) => {
    const last = announced.get(uri)?.findLast(({ at }) => at > acknowledged)
    if (!last || index.lost(acknowledged - 5_000, last.at + 1_000)) return []
    // The change was made before it was recorded.
    if (session.updates.some((update) => update.uri === uri && update.at > last.at - 10_000)) return []
    const change = begun.get(uri)?.findLast(({ call }) => call === last.call) ?? last
    if (change.at <= acknowledged) return []
    if (session.unread !== undefined && session.unread > change.at) return []
    const text = `${session.session} has not heard of ${uri}, which changed at ${last.at}`
    return [{ property: 'changes arrive', session: session.session, at: last.at, text }]
  })
}
