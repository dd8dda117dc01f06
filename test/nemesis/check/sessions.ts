/** Sessions end only where they may, hear only what is theirs, and get only statuses that are promised. */
import type { Session } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

export function checkSessions(index: Index): Problem[] {
  return index.history.sessions.flatMap((session) => [
    ...checkMessages(session),
    ...checkStatuses(index, session),
    ...checkLoss(index, session),
  ])
}

function checkMessages({ session, foreign }: Session): Problem[] {
  return foreign.map(({ at, text }) => ({
    property: "nobody gets another's message",
    session,
    at,
    text: `${session} received a message that is not its own: ${text}`,
  }))
}

function checkStatuses(index: Index, { session, odd, deletion, sent, opened }: Session): Problem[] {
  // A failover may bring back a session that was ended, and of HTTP+SSE it may lose what was acknowledged with 202.
  const back = index.lost(deletion?.sent ?? 0, deletion?.acknowledged ?? 0)
  const unheard = index.lost(sent, opened + index.history.limits.storePatience)
  const real = odd.filter(
    ({ what, status }) => !(what === 'after DELETE' && back) && !(what === 'initialize' && status === 0 && unheard),
  )
  return real.map(({ at, what, status, text }) => ({
    property: 'statuses are as promised',
    session,
    at,
    text: `${session}: ${what} was answered with ${status} ${text.slice(0, 200)}`,
  }))
}

function checkLoss(index: Index, { session, lost, deletion, opened, sent, used, revision }: Session): Problem[] {
  if (!lost || (deletion && lost.at >= deletion.sent)) return []
  const { firstLifetime, idleLifetime, commandTimeout } = index.history.limits
  // A failover lost the session, or the client was away for too long; a session of HTTP+SSE ends with its stream.
  if (index.lost(sent, opened)) return []
  // Trouble of the store may lose that the session was used, and with it the longer life that its use gave it.
  const unused = index.lost(used, lost.at) || index.storeTroubled(undefined, used, used + commandTimeout)
  const first = used <= opened || unused
  if (lost.at - (first ? sent : used) > (first ? firstLifetime : idleLifetime)) return []
  if (revision === '2024-11-05') return []
  const text = `${session} was lost: ${lost.what} at ${lost.sent} was answered with 404; opened at ${opened}, used at ${used}`
  return [{ property: 'no session is lost', session, at: lost.at, text }]
}
