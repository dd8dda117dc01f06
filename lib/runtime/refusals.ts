/** Refusals that sessions and the stateless revision share. */
import { ErrorCode } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'

/** The session is unknown, ended or another principal's. Clients then open a new one. */
export function sessionNotFound(id?: RequestId): Refusal {
  const message = 'Session not found. Send initialize without Mcp-Session-Id.'
  return new Refusal(404, ErrorCode.SessionNotFound, message, { id })
}

export function tooManySessions(max: number, id?: RequestId): Refusal {
  const message = `There are ${max} sessions of this caller. End some with DELETE, or try again when some have expired.`
  return new Refusal(429, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': '10' } })
}

/** The bodies of the requests that are served here. */
export function tooManyBytes(id?: RequestId): Refusal {
  const message =
    'This instance holds as many bytes of requests as it may, or as one client may (http.maxMemory). Try again later.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': '2' } })
}

export function tooManyStreams(id?: RequestId): Refusal {
  const message = 'This instance holds as many streams as it may. Try again: another one may have room.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': '5' } })
}
