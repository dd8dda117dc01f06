/** Whose process serves a request: that of its session, or of its principal where there is no session. */
import { digest } from '../../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import { features, SESSION_REVISIONS } from '../../../protocol/revisions.ts'
import type { ClientState } from '../../../sdk/private.ts'
import type { ClientChannel } from '../../../server/context/client-channel.ts'
import { sessionKey } from '../../../session/stream/session.ts'
import type { SessionKey } from '../../../store/store.ts'

export interface Tenant {
  /** Of the session in the store. A principal without a session has one of its own there, which no client can name. */
  key: SessionKey
  principal: string
  /** The client has no session. */
  isPrincipal: boolean
  client: ClientState
}

/** @throws ProtocolError for a client without a session whose principal is not known */
export function tenantOf(channel: ClientChannel, client: ClientState): Tenant {
  const { principal, sessionId, revision } = channel
  if (sessionId !== undefined) {
    return { key: sessionKey(principal, sessionId), principal, isPrincipal: false, client }
  }
  if (principal === '') throw withoutPrincipal(revision)
  return { key: keyOfPrincipal(principal), principal, isPrincipal: true, client }
}

/** Session ids have no line feed, so that no session of a client has this key. */
export function keyOfPrincipal(principal: string): SessionKey {
  return digest(`${principal}\n\nprocess`, 16)
}

function withoutPrincipal(revision: string): ProtocolError {
  const why =
    'This server has a process for each session, and this request has none. Without a session the process is that of the ' +
    'principal, which needs authorization (AUTH_ISSUER and AUTH_AUDIENCE).'
  if (features(revision as (typeof SESSION_REVISIONS)[number]).sessions) {
    return new ProtocolError(ErrorCode.InvalidRequest, `${why} Open a session with "initialize".`)
  }
  const data = { supported: [...SESSION_REVISIONS].reverse(), requested: revision }
  return new ProtocolError(ErrorCode.UnsupportedProtocolVersion, `${why} Use a revision with sessions.`, data)
}
