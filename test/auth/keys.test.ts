/** Sources of keys and of answers about tokens: discovery, rotation, introspection, the author's `verify`. */

import { afterEach, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { server } from '../fixtures/everything.ts'
import { type JsonServer, Signer, serveJson } from '../support/authorization.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { fromSeconds } from '../support/spread.ts'

const RESOURCE = 'https://mcp.example/mcp'
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

let endpoint: Endpoint | undefined
let as: JsonServer | undefined
const errors: unknown[] = []

afterEach(async () => {
  await endpoint?.close()
  await as?.close()
  endpoint = undefined
  as = undefined
  errors.length = 0
})

function start(auth: Partial<AuthOptions>, clock?: ManualClock): Endpoint {
  const onError = (error: unknown) => void errors.push(error)
  endpoint = createEndpoint(server, { auth: { resource: RESOURCE, ...auth }, onError, clock })
  return endpoint
}

async function ping(token: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  if (!endpoint) throw new Error('start() first')
  return endpoint.fetch(new Request('https://mcp.example/mcp', { method: 'POST', body: PING, headers }))
}

describe('keys are found through the metadata of the issuer', () => {
  test.each([
    ['RFC 8414', '', '/.well-known/oauth-authorization-server'],
    ['OpenID Connect', '', '/.well-known/openid-configuration'],
    ['RFC 8414, with a path', '/tenant', '/.well-known/oauth-authorization-server/tenant'],
    ['OpenID Connect, with a path before it', '/tenant', '/tenant/.well-known/openid-configuration'],
  ])('%s', async (_what, path, place) => {
    let issuer = ''
    let signer: Signer | undefined
    as = await serveJson((asked) => {
      if (asked === place) return { issuer, jwks_uri: `${as?.url}/keys` }
      return asked === '/keys' ? signer?.keys : undefined
    })
    issuer = as.url + path
    signer = await Signer.create(issuer, RESOURCE)
    start({ issuer })
    expect((await ping(await signer.token())).status).toBe(200)
    expect((await ping(await signer.token())).status).toBe(200)
    // Metadata and keys are fetched once for both requests.
    expect(as.requests.filter((request) => request.path === '/keys')).toHaveLength(1)
  })

  test('and metadata that names another issuer is 503 and reported', async () => {
    let signer: Signer | undefined
    as = await serveJson((asked) =>
      asked.startsWith('/.well-known') ? { issuer: 'https://evil.example', jwks_uri: `${as?.url}/keys` } : signer?.keys,
    )
    signer = await Signer.create(as.url, RESOURCE)
    start({ issuer: as.url })
    const response = await ping(await signer.token())
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toEqual(fromSeconds(1))
    expect(await response.text()).not.toContain(as.url)
    expect(errors).toHaveLength(1)
  })

  test('an authorization server that does not answer is 503, and is asked again', async () => {
    let up = false
    let signer: Signer | undefined
    as = await serveJson((asked) => {
      if (!up) return undefined
      return asked === '/keys' ? signer?.keys : { issuer: as?.url, jwks_uri: `${as?.url}/keys` }
    })
    signer = await Signer.create(as.url, RESOURCE)
    const clock = new ManualClock(Date.now())
    start({ issuer: as.url }, clock)
    const token = await signer.token()
    expect((await ping(token)).status).toBe(503)
    up = true
    await clock.advance(2_000)
    expect((await ping(token)).status).toBe(200)
  })
})

describe('keys are rotated', () => {
  test('a new key is found when the old set has expired', async () => {
    let keys: object | undefined
    as = await serveJson(() => keys)
    const [first, second] = [
      await Signer.create(as.url, RESOURCE, { kid: 'a' }),
      await Signer.create(as.url, RESOURCE, { kid: 'b' }),
    ]
    keys = first.keys
    // What jose goes by is the real clock: a set that is old at once.
    start({ issuer: as.url, jwks: `${as.url}/keys`, keysFor: 0, cacheFor: 0 })
    expect((await ping(await first.token())).status).toBe(200)
    keys = second.keys
    expect((await ping(await second.token())).status).toBe(200)
    expect((await ping(await first.token())).status).toBe(401)
  })

  test('unknown key ids do not make every request fetch the keys', async () => {
    let keys: object | undefined
    as = await serveJson(() => keys)
    const signer = await Signer.create(as.url, RESOURCE)
    keys = signer.keys
    start({ issuer: as.url, jwks: `${as.url}/keys` })
    expect((await ping(await signer.token())).status).toBe(200)
    for (let i = 0; i < 20; i++) {
      expect((await ping(await signer.token({}, { header: { kid: `unknown-${i}` } }))).status).toBe(401)
    }
    expect(as.requests).toHaveLength(1)
  })

  test('a verified token is not verified again for a while, and never accepted beyond its expiry', async () => {
    let keys: object | undefined
    as = await serveJson(() => keys)
    const signer = await Signer.create(as.url, RESOURCE)
    keys = signer.keys
    const clock = new ManualClock(Date.now())
    start({ issuer: as.url, jwks: `${as.url}/keys`, clockTolerance: 0, keysFor: 0, cacheFor: 60_000 }, clock)
    const token = await signer.token({}, { expiresIn: 90 })
    expect((await ping(token)).status).toBe(200)
    keys = { keys: [] }
    await clock.advance(59_000)
    expect((await ping(token)).status).toBe(200)
    await clock.advance(2_000)
    expect((await ping(token)).status).toBe(401)
    const short = await signer.token({}, { expiresIn: 70 })
    keys = signer.keys
    expect((await ping(short)).status).toBe(200)
    await clock.advance(10_000)
    expect((await ping(short)).status).toBe(401)
  })
})

describe('several issuers', () => {
  test('are each accepted for their own tokens only', async () => {
    const [one, two] = [
      await Signer.create('https://one.example', RESOURCE),
      await Signer.create('https://two.example', RESOURCE),
    ]
    start({ issuer: [one.issuer, two.issuer], jwks: { [one.issuer]: one.keys, [two.issuer]: two.keys } })
    expect((await ping(await one.token())).status).toBe(200)
    expect((await ping(await two.token())).status).toBe(200)
    expect((await ping(await one.token({ iss: two.issuer }))).status).toBe(401)
  })
})

describe('introspection (RFC 7662)', () => {
  const live = { active: true, sub: 'ada', client_id: 'app', aud: RESOURCE, scope: 'a b' }
  async function introspecting(
    answer: (token: string) => object | undefined,
    more: Partial<AuthOptions> = {},
    clock?: ManualClock,
  ) {
    as = await serveJson((_path, body) => answer(new URLSearchParams(body).get('token') ?? ''))
    const introspection = { url: `${as.url}/introspect`, clientId: 'rs:1', clientSecret: 's%cret ü', cacheFor: 30_000 }
    start({ issuer: as.url, introspection, ...more }, clock)
    return as
  }

  test('sends the credentials of the endpoint, encoded as RFC 6749 defines it', async () => {
    const { requests } = await introspecting(() => live)
    expect((await ping('opaque')).status).toBe(200)
    const basic = Buffer.from('rs%3A1:s%25cret+%C3%BC').toString('base64')
    expect(requests[0]?.headers.authorization).toBe(`Basic ${basic}`)
    expect(new URLSearchParams(requests[0]?.body).get('token')).toBe('opaque')
  })

  test('keeps an answer for a while, and concurrent requests share one', async () => {
    const clock = new ManualClock(Date.now())
    const { requests } = await introspecting(() => live, {}, clock)
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await ping('opaque')).status))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(requests).toHaveLength(1)
    await clock.advance(31_000)
    await ping('opaque')
    expect(requests).toHaveLength(2)
  })

  test('refuses a revoked token once the kept answer has expired', async () => {
    const clock = new ManualClock(Date.now())
    let active = true
    await introspecting(() => ({ ...live, active }), {}, clock)
    expect((await ping('opaque')).status).toBe(200)
    active = false
    await clock.advance(31_000)
    expect((await ping('opaque')).status).toBe(401)
  })

  test.each([
    ['inactive', { active: false }],
    ['active by another word', { ...live, active: 'true' }],
    ['for another resource', { ...live, aud: 'https://other.example' }],
    ['for nobody in particular', { ...live, aud: undefined }],
    ['of another issuer', { ...live, iss: 'https://evil.example' }],
    ['of nobody', { ...live, sub: undefined }],
    ['expired', { ...live, exp: 1 }],
    ['not valid yet', { ...live, nbf: 9_999_999_999 }],
  ])('%s is 401', async (_what, answer) => {
    await introspecting(() => answer)
    expect((await ping('opaque')).status).toBe(401)
    expect(errors).toEqual([])
  })

  test('is not repeated at once for a wrong token', async () => {
    const { requests } = await introspecting(() => ({ active: false }))
    for (let i = 0; i < 5; i++) expect((await ping('opaque')).status).toBe(401)
    expect(requests).toHaveLength(1)
  })

  test('without an answer is 503, and the response does not contain its address', async () => {
    await introspecting(() => undefined)
    const response = await ping('opaque')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('127.0.0.1')
  })

  test('is used for opaque tokens only where there is a key set for JWTs', async () => {
    const { requests, url } = await introspecting(() => live)
    await endpoint?.close()
    const signer = await Signer.create(url, RESOURCE)
    start({
      issuer: url,
      jwks: signer.keys,
      introspection: { url: `${url}/introspect`, clientId: 'a', clientSecret: 'b' },
    })
    expect((await ping(await signer.token())).status).toBe(200)
    expect(requests).toHaveLength(0)
    expect((await ping('opaque')).status).toBe(200)
    expect(requests).toHaveLength(1)
  })
})

describe('the option verify', () => {
  test('identifies the caller; a token for which it returns undefined is 401', async () => {
    start({ verify: (token) => (token === 'key-1' ? { subject: 'robot', scopes: ['a'] } : undefined) })
    expect((await ping('key-1')).status).toBe(200)
    const refused = await ping('key-2')
    expect(refused.status).toBe(401)
    // There is no authorization server that the challenge could name.
    expect(refused.headers.get('www-authenticate')).not.toContain('resource_metadata')
  })

  test('is called for each request', async () => {
    let calls = 0
    start({ verify: () => (++calls === 1 ? { subject: 'once' } : undefined) })
    expect((await ping('key')).status).toBe(200)
    expect((await ping('key')).status).toBe(401)
  })

  test('that throws is 503, and the error is reported', async () => {
    start({
      verify: () => {
        throw new Error('the database at 10.0.0.5 is away')
      },
    })
    const response = await ping('key')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('10.0.0.5')
    expect(String(errors[0])).toContain('10.0.0.5')
  })
})

describe('createEndpoint throws for wrong options:', () => {
  test.each<[string, Partial<AuthOptions>]>([
    ['no issuer', {}],
    ['an issuer without https', { issuer: 'http://as.example' }],
    ['keys without https', { issuer: 'https://as.example', jwks: 'http://as.example/keys' }],
    [
      'introspection without https',
      { issuer: 'https://a.example', introspection: { url: 'http://a.example', clientId: '', clientSecret: '' } },
    ],
    ['a resource that is no URL', { issuer: 'https://as.example', resource: 'notes' }],
    ['a resource with a fragment', { issuer: 'https://as.example', resource: 'https://mcp.example/mcp#x' }],
    ['a shared secret', { issuer: 'https://as.example', algorithms: ['RS256', 'HS256'] }],
    ['no signature', { issuer: 'https://as.example', algorithms: ['none'] }],
  ])('%s', (_what, auth) => {
    expect(() => createEndpoint(server, { auth: { resource: RESOURCE, ...auth } })).toThrow(/^auth: /)
  })
})
