/** The token in the Authorization header (RFC 6750). Query and body are not read: addresses are written to logs. */
import { refusalText } from '../protocol/refusal-texts.ts'
import { AuthRefusal } from './refusal.ts'

const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const MAX_LENGTH = 16 * 1024

/** @throws AuthRefusal 401 without a token, 400 where it cannot be read */
export function readBearer(authorization: string | undefined, scopes: readonly string[]): string {
  if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization)) {
    throw new AuthRefusal('missing', refusalText('tokenMissing', authorization), { scopes })
  }
  const token = authorization.length > MAX_LENGTH ? undefined : BEARER.exec(authorization.trimEnd())?.[1]
  if (token === undefined) {
    throw new AuthRefusal('malformed', refusalText('tokenMalformed', authorization.slice('bearer'.length).trim()))
  }
  return token
}
