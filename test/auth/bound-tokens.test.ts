/** A token that is bound to a key is refused as a bearer (RFC 9449, 7.2). */
import { afterEach, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type JsonServer, Signer, serveJson } from '../support/authorization.ts'

const RESOURCE = 'https://mcp.example/mcp'
const ISSUER = 'https://as.example'

let endpoint: Endpoint | undefined
let as: JsonServer | undefined

afterEach(async () => {
  await endpoint?.close()
  await as?.close()
  as = undefined
})

async function ping(auth: Partial<AuthOptions>, token: string): Promise<Response> {
  const server = new McpServer({ name: 't', version: '1' })
  endpoint = createEndpoint(server, { auth: { resource: RESOURCE, ...auth } })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  return endpoint.fetch(new Request(RESOURCE, { method: 'POST', body, headers }))
}

/** How the claims of a token come to the endpoint. */
const WAYS: Record<string, (cnf: unknown) => Promise<Response>> = {
  'in a JWT': async (cnf) => {
    const signer = await Signer.create(ISSUER, RESOURCE)
    return ping({ issuer: ISSUER, jwks: signer.keys }, await signer.token({ cnf }))
  },
  'in an introspection': async (cnf) => {
    as = await serveJson(() => ({ active: true, sub: 'ada', aud: RESOURCE, cnf }))
    return ping({ issuer: as.url, introspection: { url: as.url, clientId: 'rs', clientSecret: 's' } }, 'opaque')
  },
  'in what verify returns': (cnf) => ping({ verify: () => ({ subject: 'ada', claims: { cnf } }) }, 'any'),
}

const BOUND: [object, string][] = [
  [{ jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }, 'DPoP, RFC 9449'],
  [{ 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }, 'mutual TLS, RFC 8705'],
  [{ jwk: { kty: 'oct' } }, 'cnf, RFC 7800'],
]

test.each(Object.keys(WAYS).flatMap((way) => BOUND.map(([cnf, kind]) => ({ way, cnf, kind }))))(
  'a token with cnf $cnf $way is 401 with an error that names $kind',
  async ({ way, cnf, kind }) => {
    const refused = await WAYS[way]?.(cnf)
    expect(refused?.status).toBe(401)
    expect(refused?.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(refused?.headers.get('www-authenticate')).toContain(kind)
    expect(await refused?.json()).toMatchObject({ error: { message: expect.stringContaining('bearer tokens only') } })
  },
)

test.each(Object.keys(WAYS))('a token whose cnf binds it to nothing is a bearer token, %s', async (way) => {
  expect((await WAYS[way]?.({}))?.status).toBe(200)
  expect((await WAYS[way]?.(undefined))?.status).toBe(200)
})
