/** Times of tokens are compared with the wall clock, which may be off by a minute in either direction. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type JsonServer, Signer, serveJson } from '../support/authorization.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
let signer: Signer
let as: JsonServer | undefined
let endpoint: Endpoint | undefined

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
})
afterEach(async () => {
  await endpoint?.close()
  await as?.close()
  as = undefined
})

/** The status of a request whose instance has a wall clock that is off by so many seconds. */
async function statusAt(off: number, token: string, auth: Omit<AuthOptions, 'resource'>): Promise<number> {
  const clock = new ManualClock(Date.now() + off * 1_000)
  await endpoint?.close()
  endpoint = createEndpoint(new McpServer({ name: 't', version: '1' }), {
    clock,
    auth: { resource: RESOURCE, cacheFor: 0, ...auth },
  })
  const body = {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {} },
  }
  const headers = { 'content-type': 'application/json', accept: ACCEPT_BOTH, authorization: `Bearer ${token}` }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  return (await endpoint.fetch(new Request('http://localhost/mcp', init))).status
}

describe('a token whose times are off by', () => {
  // Seconds that the clock is ahead; what an expired token gets, and what one gets that is not valid yet.
  const cases = [
    [50, 200],
    [75, 401],
  ] as const

  test.each(cases)('%d s gets %d, as a JWT', async (off, status) => {
    const auth = { issuer: 'https://as.example', jwks: signer.keys }
    expect(await statusAt(off, await signer.token({}, { expiresIn: 0 }), auth)).toBe(status)
    const later = await signer.token({ nbf: Math.floor(Date.now() / 1_000) })
    expect(await statusAt(-off, later, auth)).toBe(status)
  })

  test.each(cases)('%d s gets %d, by introspection', async (off, status) => {
    const now = Math.floor(Date.now() / 1_000)
    let times: object = { exp: now }
    as = await serveJson(() => ({ active: true, sub: 'ada', client_id: 'app', aud: RESOURCE, ...times }))
    const introspection = { url: `${as.url}/introspect`, clientId: 'rs', clientSecret: 's', cacheFor: 0 }
    const auth = { issuer: as.url, introspection }
    expect(await statusAt(off, 'opaque', auth)).toBe(status)
    times = { exp: now + 3_600, nbf: now }
    expect(await statusAt(-off, 'opaque', auth)).toBe(status)
  })

  test.each(cases)('%d s gets %d, by the own check of an author', async (off, status) => {
    const verify = () => ({ subject: 'ada', expiresAt: Math.floor(Date.now() / 1_000) })
    expect(await statusAt(off, 'any', { verify })).toBe(status)
  })
})

test('a verified token is kept by the monotonic clock, and a wall clock that is set back gives it no more time', async () => {
  const clock = new ManualClock(Date.now())
  let checks = 0
  as = await serveJson(() => {
    checks++
    return { active: true, sub: 'ada', client_id: 'app', aud: RESOURCE }
  })
  const introspection = { url: `${as.url}/introspect`, clientId: 'rs', clientSecret: 's', cacheFor: 30_000 }
  const options = { clock, auth: { resource: RESOURCE, issuer: as.url, introspection } }
  endpoint = createEndpoint(new McpServer({ name: 't', version: '1' }), options)
  const ask = async () => {
    const headers = { accept: ACCEPT_BOTH, authorization: 'Bearer opaque' }
    return (await endpoint?.fetch(new Request('http://localhost/mcp', { headers })))?.status
  }
  await ask()
  clock.setWall(-3_600_000)
  await ask()
  expect(checks).toBe(1)
  await clock.advance(31_000)
  await ask()
  expect(checks).toBe(2)
  clock.setWall(31 * 86_400_000)
  await ask()
  expect(checks).toBe(2)
})

test('a kept token is refused beyond its expiry, also where the monotonic clock stood still meanwhile', async () => {
  const clock = new ManualClock(Date.now())
  const auth = { resource: RESOURCE, issuer: 'https://as.example', jwks: signer.keys, cacheFor: 600_000 }
  endpoint = createEndpoint(new McpServer({ name: 't', version: '1' }), { clock, auth })
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${await signer.token({}, { expiresIn: 60 })}` }
  const ask = async () => (await endpoint?.fetch(new Request('http://localhost/mcp', { headers })))?.status
  expect(await ask()).not.toBe(401)
  clock.setWall(125_000)
  expect(await ask()).toBe(401)
})

test('new keys of an issuer are found after the wall clock was set back', async () => {
  let keys: object | undefined
  as = await serveJson(() => keys)
  const [first, second] = [
    await Signer.create(as.url, RESOURCE, { kid: 'a' }),
    await Signer.create(as.url, RESOURCE, { kid: 'b' }),
  ]
  keys = first.keys
  const clock = new ManualClock(Date.now())
  const auth = { resource: RESOURCE, issuer: as.url, jwks: `${as.url}/keys`, cacheFor: 0 }
  endpoint = createEndpoint(new McpServer({ name: 't', version: '1' }), { clock, auth, onError: () => {} })
  const ask = async (token: string) => {
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
    return (await endpoint?.fetch(new Request('http://localhost/mcp', { headers })))?.status
  }
  expect(await ask(await first.token())).not.toBe(401)
  keys = second.keys
  // The set is fresh, and a set is fetched again for an unknown key id at most twice a minute.
  expect(await ask(await second.token())).toBe(401)
  clock.setWall(-120_000)
  expect(await ask(await second.token({ iat: undefined }))).not.toBe(401)
})
