/** A real authorization server (oidc-provider) on loopback. The test sets the user who signs in. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

/** The redirect URI of applications. No server listens there. */
export const REDIRECT = 'http://127.0.0.1:4711/callback'

/** The client id of an application that is registered from the start and may request every scope. */
export const REGISTERED_CLIENT = 'registered'

export interface AuthorizationServer {
  issuer: string
  /** The user who signs in next. */
  user: string
  /** The paths of all requests. */
  paths: string[]
  /** Follows an authorization URL as a browser does, and returns the redirect with the code. */
  authorize(url: URL): Promise<URL>
  stop(): Promise<void>
}

export interface AuthorizationServerOptions {
  /** The resources that may be requested, with their scopes. */
  resources: Record<string, string>
  /** `opaque`: tokens must be introspected. */
  format?: 'jwt' | 'opaque'
  /** The credentials of the resource server that introspects tokens. */
  introspector?: { id: string; secret: string }
}

export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { resources, format = 'jwt', introspector } = options
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const scopes = ['openid offline_access', ...Object.values(resources)].join(' ')
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'as-1', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['a key for cookies'] },
    clients: [
      {
        client_id: REGISTERED_CLIENT,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      ...(introspector ? [resourceServer(introspector)] : []),
    ],
    scopes: scopes.split(' '),
    ttl: {
      Interaction: 600,
      Grant: 3_600,
      Session: 3_600,
      AccessToken: 3_600,
      RefreshToken: 7_200,
      ClientCredentials: 600,
    },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      introspection: { enabled: introspector !== undefined, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx: unknown, resource: string) => {
          const scope = resources[resource]
          if (scope === undefined) throw new Error(`The resource ${resource} is not configured.`)
          return { scope, audience: resource, accessTokenFormat: format, jwt: { sign: { alg: 'RS256' } } }
        },
      },
    },
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    interactions: { url: () => '/sign-in' },
    findAccount: (_ctx: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    // The user agrees to everything.
    async loadExistingGrant({ oidc: { session, client } }: import('oidc-provider').OidcContext) {
      const existing = session.grantIdFor(client.clientId)
      if (existing !== undefined) return provider.Grant.find(existing)
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope(scopes)
      for (const [resource, scope] of Object.entries(resources)) grant.addResourceScope(resource, scope)
      await grant.save()
      return grant
    },
  })
  const serve = provider.callback()
  const server: AuthorizationServer = {
    issuer,
    user: 'ada',
    paths: [],
    authorize,
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  http.on('request', (req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? ''
    server.paths.push(path)
    if (path !== '/sign-in') return serve(req, res)
    provider
      .interactionFinished(req, res, { login: { accountId: server.user }, consent: {} })
      .catch((error: unknown) => {
        res.writeHead(500).end(String(error))
      })
  })
  return server
}

function resourceServer({ id, secret }: { id: string; secret: string }): object {
  return { client_id: id, client_secret: secret, redirect_uris: [], response_types: [], grant_types: [] }
}

/** Follows redirects with cookies until a redirect leads to another origin. */
async function authorize(start: URL): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  for (let hops = 0; hops < 10; hops++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (!location) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    await response.body?.cancel()
    url = new URL(location, url)
    if (url.origin !== start.origin) return url
  }
  throw new Error(`${start} redirects more than ten times.`)
}
