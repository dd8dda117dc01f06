/** Whose process serves a request: that of its session, or of its principal where there is no session. */
import { digest } from '../../../base/ids.ts'
import { ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import { features, SESSION_REVISIONS, STATELESS_REVISION } from '../../../protocol/revisions.ts'
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
  if (principal === '') {
    if (!features(revision).sessions) throw refusalOf(principal)
    throw new ProtocolError(ErrorCode.InvalidRequest, `${WHY} Open a session with "initialize".`)
  }
  return { key: keyOfPrincipal(principal), principal, isPrincipal: true, client }
}

/** Session ids have no line feed, so that no session of a client has this key. */
function keyOfPrincipal(principal: string): SessionKey {
  return digest(`${principal}\n\nprocess`, 16)
}

/** Why a client without a session is not served: its principal must be known. */
export function refusalOf(principal: string): ProtocolError | undefined {
  if (principal !== '') return undefined
  const data = { supported: [...SESSION_REVISIONS].reverse(), requested: STATELESS_REVISION }
  return new ProtocolError(ErrorCode.UnsupportedProtocolVersion, `${WHY} Use a revision with sessions.`, data)
}

const WHY =
  'This server has a process for each session. Without a session it has one for each principal, which needs authorization ' +
  '(AUTH_ISSUER and AUTH_AUDIENCE).'
