/** At rest nothing is left, and no process has ended by itself. */

import { type Call, isCount, isMark, isRecord, isTask } from '../history.ts'
import type { Index } from './index.ts'
import type { Problem } from './problem.ts'

/** Bytes that an instance may use more than after its start. */
const HEAP = 40e6
/** Its port, two connections to Redis, and those that clients keep open. */
const SOCKETS = 150

export function checkRest(index: Index): Problem[] {
  const { exits, rest } = index.history
  const problems: Problem[] = exits.map(({ at, process, how, errors }) => ({
    property: 'no process ends by itself',
    at,
    text: `${process} ended with ${how}: ${errors.slice(-8).join('\n')}`,
  }))
  if (!rest) return problems
  for (const key of rest.eternal)
    problems.push({ property: 'every key has a lifetime', text: `${key} has no lifetime` })
  for (const { key, session, lifetime } of rest.keys) {
    const text = `${key} is left of session ${session ?? '(unknown)'} and lives for ${lifetime} ms more`
    if (!mayBeLeft(index, session, key)) problems.push({ property: 'an ended session leaves nothing', text })
  }
  for (const { session, fields } of rest.fields) problems.push(...checkFields(index, session, fields))
  for (const { process, connections, calls, sockets, heap, before } of rest.processes) {
    const problem = (text: string) => ({ property: 'an instance keeps nothing', text: `${process} ${text}` })
    // A connection whose client's end did not come through stays as long as its network lets it.
    if (calls > 0 || (connections > 0 && !index.hides(process)))
      problems.push(problem(`has ${connections} connections and ${calls} calls left`))
    if (sockets > SOCKETS) problems.push(problem(`has ${sockets} sockets`))
    if (before > 0 && heap - before > HEAP) problems.push(problem(`uses ${heap} bytes, and ${before} after its start`))
  }
  return problems
}

/**
 * A failover brought the session back after its DELETE, so that it ends with its lifetime. Parts of a session that nobody
 * ended have lifetimes of their own.
 */
function mayBeLeft(index: Index, name: string | undefined, key: string): boolean {
  if (isMark(key)) return true
  const session = index.history.sessions.find(({ session }) => session === name)
  const deletion = session?.deletion
  if (deletion?.acknowledged !== undefined) {
    const { sent, acknowledged } = deletion
    // The instance that was asked removes these afterwards: where it dies before, they go with their own lifetime.
    if ((isTask(key) || isCount(key)) && index.killed(undefined, sent, acknowledged + 5_000)) return true
    return index.lost(sent, acknowledged)
  }
  return !isRecord(key) || index.lost(0, Number.POSITIVE_INFINITY)
}

/** A call that is over leaves no field, unless its end is unknown: it was orphaned, or a failover lost its end. */
function checkFields(index: Index, session: string, fields: string[]): Problem[] {
  const calls = index.history.calls.filter((call) => call.session === session)
  const left = fields.filter((field) => {
    const call = callOf(calls, field)
    const [outcome] = call?.outcomes ?? []
    const clean = outcome?.kind === 'result' || outcome?.kind === 'error' || outcome?.kind === 'ended'
    // A process that is killed gives nothing up. What it held goes with the logs of the session.
    const at = outcome?.at ?? 0
    return clean && call && !index.lost(call.sent, at + 5_000) && !index.killed(undefined, at, at + 10_000)
  })
  if (left.length === 0) return []
  const text = `${session} has no call left, and the fields ${left.slice(0, 10).join(' ')}`
  return [{ property: 'no field is left behind', session, text }]
}

/** Names of streams end in the request id; asks are known by their id. */
function callOf(calls: Call[], field: string): Call | undefined {
  const id = /^(?:[a-z]|jrn):.*~(.*)$/.exec(field)?.[1]
  const ask = /^[atv]:(.*)$/.exec(field)?.[1]
  if (id !== undefined) {
    const named = Buffer.from(id, 'base64url').toString()
    return calls.find(({ call }) => call.endsWith(`#${named}`))
  }
  return calls.find(({ received }) => received.some((message) => message.kind === 'ask' && message.ask === ask))
}
