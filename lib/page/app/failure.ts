/** Why the endpoint does not serve this page, in words for a person. */
import { SdkHttpError, UnauthorizedError } from '@modelcontextprotocol/client'
import { explain, type Refused } from '../../connect/explain.ts'

export interface Failure {
  /** token: another token may help. session: a new session helps. other: trying again may help. */
  kind: 'token' | 'session' | 'other'
  title: string
  /** Sentences: the cause and the cure. */
  text: string
}

const TITLES: Readonly<Record<number, string>> = {
  401: 'The endpoint does not take this token',
  403: 'The endpoint refuses this page',
  404: 'The session is gone',
  429: 'Too many requests',
}

const KINDS: Readonly<Record<number, Failure['kind']>> = { 401: 'token', 404: 'session' }

/**
 * @param error what the client threw; undefined: the refusal says it all
 * @param last the last response that was refused, as the wire has seen it
 */
export function failureOf(error: unknown, last: Refused | undefined): Failure {
  const status = statusOf(error) ?? last?.status
  if (status === undefined || status < 400) {
    const text = `There was no response. Is the server running?${detailOf(error)}`
    return { kind: 'other', title: 'The endpoint does not answer', text }
  }
  const refused = last?.status === status ? last : { status, body: undefined, headers: new Headers() }
  const { cause, cure } = explain(refused)
  const title =
    TITLES[status] ?? (status >= 500 ? 'The endpoint does not answer' : 'The endpoint refuses the connection')
  return { kind: KINDS[status] ?? 'other', title, text: `${cause} ${cure}` }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof UnauthorizedError) return 401
  return error instanceof SdkHttpError ? error.status : undefined
}

function detailOf(error: unknown): string {
  return error instanceof Error ? ` (${error.message})` : ''
}
