/** Why the endpoint does not serve this page, in words for a person. */
import { SdkHttpError, UnauthorizedError } from '@modelcontextprotocol/client'
import type { Admission } from '../../connect/types.ts'

export interface Failure {
  /** token: another token may help. session: a new session helps. other: trying again may help. */
  kind: 'token' | 'session' | 'other'
  title: string
  /** Sentences: what the endpoint said, and the cure. */
  text: string
}

/** A response that was refused, as the wire has seen it. */
interface Refused {
  status: number
  message: string | undefined
}

/**
 * @param error what the client threw; undefined: the refusal says it all
 * @param last the last response that was refused
 */
export function explain(error: unknown, last: Refused | undefined, admission: Admission): Failure {
  const status = statusOf(error) ?? last?.status
  const said = last?.message ? `${last.message} ` : ''
  if (status === 401) {
    const cure = admission === 'open' ? '' : 'Enter another token.'
    return { kind: 'token', title: 'The endpoint does not take this token', text: `${said}${cure}` }
  }
  if (status === 403)
    return { kind: 'other', title: 'The endpoint refuses this page', text: said || 'Its response was 403.' }
  if (status === 404) {
    const text = `${said}Sessions end when nobody uses them for long, and when the store has lost them.`
    return { kind: 'session', title: 'The session is gone', text }
  }
  if (status === 429) return { kind: 'other', title: 'Too many requests', text: said }
  if (status === undefined || status >= 500) {
    const text = said || 'There was no response. Is the server running?'
    return { kind: 'other', title: 'The endpoint does not answer', text: `${text}${detailOf(error)}` }
  }
  return { kind: 'other', title: 'The endpoint refuses the connection', text: `${said}${detailOf(error)}` }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof UnauthorizedError) return 401
  return error instanceof SdkHttpError ? error.status : undefined
}

function detailOf(error: unknown): string {
  return error instanceof Error ? ` (${error.message})` : ''
}
