/** The authorization server is away: what is known goes on, and requests do not ask again and again. */

import { afterEach, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type JsonServer, Signer, serveJson } from '../support/authorization.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { fromSeconds } from '../support/spread.ts'

const RESOURCE = 'https://mcp.example/mcp'
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
const MINUTE = 60_000

let endpoint: Endpoint
let as: JsonServer
let clock: ManualClock
let errors: unknown[] = []
let up = true

afterEach(async () => {
  await endpoint.close()
  await as.close()
  errors = []
  up = true
})

function start(auth: Partial<AuthOptions>): void {
  clock = new ManualClock(Date.now())
  const onError = (error: unknown) => void errors.push(error)
  const server = new McpServer({ name: 't', version: '1' })
  endpoint = createEndpoint(server, { auth: { resource: RESOURCE, cacheFor: 0, ...auth }, onError, clock })
}

async function ping(token: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  return endpoint.fetch(new Request(RESOURCE, { method: 'POST', body: PING, headers }))
}

async function statuses(n: number, token: string): Promise<Set<number>> {
  return new Set(await Promise.all(Array.from({ length: n }, async () => (await ping(token)).status)))
}

describe.each(['through metadata', 'at a given address'])('keys %s', (how) => {
  /** A token of an hour and a half from now on, by the clock of the endpoint. */
  let token: () => Promise<string>
  let stranger: () => Promise<string>

  async function issuer(): Promise<void> {
    let signer: Signer | undefined
    as = await serveJson((asked) => {
      if (!up) return undefined
      return asked === '/keys' ? signer?.keys : { issuer: as.url, jwks_uri: `${as.url}/keys` }
    })
    const known = await Signer.create(as.url, RESOURCE)
    signer = known
    token = () => known.token({}, { expiresIn: 4 * 3_600 })
    stranger = () => known.token({}, { expiresIn: 4 * 3_600, header: { kid: crypto.randomUUID() } })
    start({ issuer: as.url, ...(how === 'at a given address' && { jwks: `${as.url}/keys` }) })
  }

  test('are used for an hour beyond their life, with a pause between questions', async () => {
    await issuer()
    expect((await ping(await token())).status).toBe(200)
    up = false
    as.requests.length = 0
    await clock.advance(11 * MINUTE)
    for (let i = 0; i < 20; i++) expect(await statuses(10, await token())).toEqual(new Set([200]))
    expect(as.requests).toHaveLength(1)
    expect(errors).toHaveLength(1)
    await clock.advance(58 * MINUTE)
    expect((await ping(await token())).status).toBe(200)
    await clock.advance(2 * MINUTE)
    const refused = await ping(await token())
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })

  test('are fetched again once the issuer is back', async () => {
    await issuer()
    await ping(await token())
    up = false
    await clock.advance(11 * MINUTE)
    await ping(await token())
    up = true
    as.requests.length = 0
    await clock.advance(31_000)
    for (let i = 0; i < 3; i++) {
      expect(await statuses(5, await token())).toEqual(new Set([200]))
    }
    await expect.poll(() => as.requests.length).toBe(1)
    await clock.advance(5 * MINUTE)
    expect((await ping(await token())).status).toBe(200)
    expect(as.requests).toHaveLength(1)
  })

  test('that are unknown while the issuer is away are 503 with Retry-After, and 401 once it is back', async () => {
    await issuer()
    expect((await ping(await token())).status).toBe(200)
    up = false
    await clock.advance(31_000)
    as.requests.length = 0
    const texts: string[] = []
    for (let i = 0; i < 30; i++) {
      const refused = await ping(await stranger())
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toEqual(fromSeconds(1))
      texts.push(await refused.text())
    }
    expect(texts[0]).toContain('The authorization server does not answer')
    expect(as.requests).toHaveLength(1)
    // A pause of a token that nobody knows stops no other.
    expect((await ping(await token())).status).toBe(200)
    up = true
    await clock.advance(2_000)
    expect((await ping(await stranger())).status).toBe(401)
  })

  test('of an issuer that was never reached are asked for after pauses that grow, by one question at a time', async () => {
    await issuer()
    up = false
    const seen: number[] = []
    for (let i = 0; i < 40; i++) {
      as.requests.length = 0
      expect(await statuses(10, await token())).toEqual(new Set([503]))
      seen.push(as.requests.length > 0 ? 1 : 0)
      await clock.advance(1_000)
    }
    // After 1, 2, 4, 8 and 16 s, then every 30 s.
    expect(seen.flatMap((asked, second) => (asked ? second : []))).toEqual([0, 1, 3, 7, 15, 31])
    expect(errors).toHaveLength(6)
    expect((await ping(await token())).headers.get('retry-after')).toEqual(fromSeconds(21))
    up = true
    await clock.advance(30_000)
    expect((await ping(await token())).status).toBe(200)
  })
})

test('an issuer that hangs holds up one request, not those that follow', async () => {
  let release = () => {}
  let signer: Signer | undefined
  let hangs = false
  as = await serveJson(async () => {
    if (hangs) await new Promise<void>((resolve) => (release = resolve))
    return hangs ? undefined : signer?.keys
  })
  signer = await Signer.create(as.url, RESOURCE)
  const token = await signer.token({}, { expiresIn: 4 * 3_600 })
  start({ issuer: as.url, jwks: `${as.url}/keys` })
  await ping(token)
  hangs = true
  await clock.advance(11 * MINUTE)
  const first = ping(token)
  await expect.poll(() => as.requests.length).toBe(2)
  release()
  expect((await first).status).toBe(200)
  await clock.advance(2_000)
  // The question is open while all of these get their answer.
  expect(await statuses(10, token)).toEqual(new Set([200]))
  await expect.poll(() => as.requests.length).toBe(3)
  release()
  await expect.poll(() => errors.length).toBe(2)
})

test('the document that leads to an issuer that is away does not ask it at every request', async () => {
  up = false
  as = await serveJson(() => undefined)
  start({ issuer: as.url })
  const at = 'https://mcp.example/.well-known/oauth-authorization-server'
  for (let i = 0; i < 20; i++) {
    const response = await endpoint.fetch(new Request(at))
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toEqual(fromSeconds(1))
  }
  // The two addresses that metadata may have, once each.
  expect(as.requests).toHaveLength(2)
  expect(errors).toHaveLength(1)
})

describe('introspection', () => {
  async function introspecting(cacheFor: number, more: object = {}): Promise<void> {
    as = await serveJson(() => ({ active: true, sub: 'ada', client_id: 'app', aud: RESOURCE, ...more }))
    const introspection = { url: `${as.url}/introspect`, clientId: 'rs', clientSecret: 's', cacheFor }
    start({ issuer: as.url, introspection })
  }

  test('answers are used for an hour beyond their life while the server is away, and unknown tokens are 503', async () => {
    await introspecting(30_000)
    expect((await ping('known')).status).toBe(200)
    await as.close()
    await clock.advance(31_000)
    expect(await statuses(20, 'known')).toEqual(new Set([200]))
    expect(errors).toHaveLength(1)
    for (let i = 0; i < 20; i++) {
      const refused = await ping(`unknown-${i}`)
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toEqual(fromSeconds(1))
    }
    // Nobody was asked: each question that fails is reported.
    expect(errors).toHaveLength(1)
    await clock.advance(59 * MINUTE)
    expect((await ping('known')).status).toBe(200)
    await clock.advance(2 * MINUTE)
    expect((await ping('known')).status).toBe(503)
  })

  test('an answer is not used beyond the expiry of its token', async () => {
    await introspecting(30_000, { exp: Math.floor(Date.now() / 1_000) + 300 })
    expect((await ping('known')).status).toBe(200)
    await as.close()
    await clock.advance(4 * MINUTE)
    expect((await ping('known')).status).toBe(200)
    await clock.advance(3 * MINUTE)
    expect((await ping('known')).status).toBe(401)
  })

  test('no answer is kept where every token is to be checked', async () => {
    await introspecting(0)
    expect((await ping('known')).status).toBe(200)
    await as.close()
    expect((await ping('known')).status).toBe(503)
  })

  test('a token that makes the server refuse one question stops no others', async () => {
    as = await serveJson((_path, body) =>
      body.includes('poison') ? undefined : { active: true, sub: 'ada', aud: RESOURCE },
    )
    start({ issuer: as.url, introspection: { url: as.url, clientId: 'rs', clientSecret: 's' } })
    expect((await ping('poison')).status).toBe(503)
    expect((await ping('fine')).status).toBe(200)
  })
})
