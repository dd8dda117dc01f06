/** Refusals that sessions and the stateless revision share. */
import { retryAfter } from '../base/ids.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { refusalText } from '../protocol/refusal-texts.ts'

/** The session is unknown, ended or another principal's. Clients then open a new one. */
export function sessionNotFound(id?: RequestId): Refusal {
  return new Refusal(404, ErrorCode.SessionNotFound, refusalText('session'), { id })
}

export function tooManySessions(max: number, id?: RequestId): Refusal {
  const message = refusalText('sessions', max)
  return new Refusal(429, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(10) } })
}

/** The bodies of the requests that are served here. */
export function tooManyBytes(id?: RequestId): Refusal {
  const message =
    'This instance holds as many bytes of requests as it may, or as one client may (http.maxMemory). Try again later.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(2) } })
}

/** The call has run, and its result cannot be sent: the responses of others wait, and nothing of this one has been sent. */
export function tooMuchOutput(characters: number): Refusal {
  const message =
    `The call has run, and its result of ${characters} characters is lost: as many bytes of responses wait for their readers ` +
    'as this instance may hold (http.maxMemory).'
  return new Refusal(503, ErrorCode.ServerError, message, { headers: { 'Retry-After': retryAfter(2) } })
}

/** The session keeps as many bytes in the store as it may. */
export function tooManyStored(): Refusal {
  const message =
    'This session keeps as many bytes of logs, requests and answers as it may. Try again when calls have ended.'
  return new Refusal(429, ErrorCode.ServerError, message, { headers: { 'Retry-After': retryAfter(10) } })
}

/** The sessions of the client keep as many bytes in the store as they may together. */
export function tooManyStoredByClient(max: number, id?: RequestId): Refusal {
  const message = refusalText('stored', max)
  return new Refusal(429, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(10) } })
}

/** No new session is opened, and no call of HTTP+SSE. What else exists goes on, and so do calls without a session. */
export function storeNearlyFull(id?: RequestId): Refusal {
  const message =
    'The session store is nearly full: for now it takes no new session and no request of HTTP+SSE. Try again later.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(10) } })
}

/** The connection is closed after it, and another instance gets the next request. */
export function shuttingDown(id?: RequestId): Refusal {
  const message = 'This instance shuts down. Try again: another one opens the stream.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(1) } })
}

export function tooManyStreams(id?: RequestId): Refusal {
  const message = 'This instance holds as many streams as it may. Try again: another one may have room.'
  return new Refusal(503, ErrorCode.ServerError, message, { id, headers: { 'Retry-After': retryAfter(5) } })
}
