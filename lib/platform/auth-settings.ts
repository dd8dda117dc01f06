/** The settings of OAuth, where there is an issuer. A bundle has this in a file of its own, which is read when it is used. */
import { checkAuthOptions } from '../auth/check.ts'
import type { AuthOptions } from '../auth/options.ts'
import type { Values } from '../base/setting.ts'
import type { SETTINGS } from '../settings.ts'

type Given = Partial<Values<(typeof SETTINGS)['auth']>> & { issuer: string[] }
type Introspection = Partial<Values<(typeof SETTINGS)['auth.introspection']>>

/** The options, or a sentence that names the variable and says what is wrong. */
export function readAuth(
  { resource: named = [], ...others }: Given,
  introspection: Introspection,
): AuthOptions | string {
  const [resource, ...audiences] = named
  if (resource === undefined) {
    return 'AUTH_AUDIENCE must be the public URL of the endpoint, such as https://mcp.example.com/mcp.'
  }
  const { url, clientId, clientSecret } = introspection
  const isGiven = clientId !== undefined && clientSecret !== undefined
  if (url === undefined) {
    if (clientId !== undefined || clientSecret !== undefined) {
      return 'AUTH_INTROSPECTION_CLIENT_ID and …_CLIENT_SECRET need AUTH_INTROSPECTION_URL.'
    }
  } else if (!isGiven) {
    return 'AUTH_INTROSPECTION_URL needs AUTH_INTROSPECTION_CLIENT_ID and AUTH_INTROSPECTION_CLIENT_SECRET.'
  }
  const auth: AuthOptions = {
    ...others,
    resource,
    audiences,
    introspection: url !== undefined && isGiven ? { url, clientId, clientSecret } : undefined,
  }
  try {
    checkAuthOptions(auth)
  } catch (error) {
    return `AUTH_*: ${error instanceof Error ? error.message.replace(/^auth: /, '') : String(error)}`
  }
  return auth
}
