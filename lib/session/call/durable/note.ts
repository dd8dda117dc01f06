/**
 * The note of a suspended call: its polls send progress from it, since clients with an idle limit give up where they hear nothing.
 * Each poll sends a little more than the last, and the next run more than all of them. That of `tasks/result` names what it waits for:
 * the task may go on without this call.
 */
import { isObject, type JsonObject, notificationText } from '../../../protocol/jsonrpc.ts'
import { isProgressToken } from '../../../protocol/read.ts'

/** The progress of a run as it ends. */
interface Progress {
  token: unknown
  /** The greatest figure that the client has. */
  sent: number
  total: unknown
}

/** The leg of a task whose questions a call asks. */
export interface AwaitedLeg {
  /** The id of the task. */
  task: string
  leg: number
}

/** `ask`: one of the asks that the call waits for. */
interface Awaited extends AwaitedLeg {
  ask: string
}

/** Part of the figure by which it grows in a millisecond. */
const GROWTH = 1e-9

export function writeNote({
  progress,
  awaited,
}: {
  progress: Progress | undefined
  awaited: Awaited | undefined
}): string | undefined {
  if (!progress && !awaited) return undefined
  return JSON.stringify({
    ...(progress && { t: progress.token, p: Number.isFinite(progress.sent) ? progress.sent : 0, of: progress.total }),
    ...(awaited && { w: awaited }),
  })
}

/** What a suspended `tasks/result` waits for. */
export function awaitedIn(note: string | undefined): Awaited | undefined {
  const { w }: JsonObject = note === undefined ? {} : parsed(note)
  const { task, leg, ask } = isObject(w) ? w : {}
  const isRead = typeof task === 'string' && typeof leg === 'number' && typeof ask === 'string'
  return isRead ? { task, leg, ask } : undefined
}

/** The greatest figure that the client has after so many ms of suspension. Undefined: it takes no progress. */
export function progressAfter(note: string | undefined, since: number): number | undefined {
  const read = readNote(note)
  return read && grown(read.sent, since)
}

/** The progress message of a poll. */
export function messageAfter(note: string | undefined, since: number): string | undefined {
  const read = readNote(note)
  if (!read) return undefined
  const params: JsonObject = { progressToken: read.token, progress: grown(read.sent, since) }
  if (read.total !== undefined) params.total = read.total
  return notificationText('notifications/progress', params)
}

function grown(sent: number, since: number): number {
  return sent + Math.max(Math.abs(sent), 1) * GROWTH * (since + 1)
}

function readNote(note: string | undefined): Progress | undefined {
  const { t, p, of }: JsonObject = note === undefined ? {} : parsed(note)
  return isProgressToken(t) && typeof p === 'number' ? { token: t, sent: p, total: of } : undefined
}

function parsed(note: string): JsonObject {
  const value: unknown = JSON.parse(note)
  return isObject(value) ? value : {}
}
