/**
 * The note of a suspended call: its polls send progress from it, since clients with an idle limit give up where they hear nothing.
 * Each poll sends a little more than the last, and the next run more than all of them.
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

/** Part of the figure by which it grows in a millisecond. */
const GROWTH = 1e-9

export function writeNote({ token, sent, total }: Progress): string {
  return JSON.stringify({ t: token, p: Number.isFinite(sent) ? sent : 0, ...(total !== undefined && { of: total }) })
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
