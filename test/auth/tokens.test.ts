/** Every wrong token is refused as the specification defines it, before anything else is checked. */
import { createHmac } from 'node:crypto'
import { exportSPKI, generateKeyPair, importJWK } from 'jose'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { server } from '../fixtures/everything.ts'
import { Signer } from '../support/authorization.ts'

const ISSUER = 'https://as.example'
const RESOURCE = 'https://mcp.example/mcp'
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
}

let signer: Signer
let endpoint: Endpoint | undefined
const errors: unknown[] = []

beforeAll(async () => {
  signer = await Signer.create(ISSUER, RESOURCE)
})
afterEach(async () => {
  await endpoint?.close()
  endpoint = undefined
  errors.length = 0
})

function start(auth: Partial<AuthOptions> = {}): Endpoint {
  endpoint = createEndpoint(server, {
    auth: { issuer: ISSUER, resource: RESOURCE, jwks: signer.keys, ...auth },
    legacySse: true,
    onError: (error) => errors.push(error),
  })
  return endpoint
}

async function send(authorization: string | undefined, init: RequestInit = {}, path = '/mcp'): Promise<Response> {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(authorization !== undefined && { authorization }),
    ...(init.headers as Record<string, string>),
  })
  const body = init.method === undefined || init.method === 'POST' ? JSON.stringify(INITIALIZE) : null
  return (endpoint ?? start()).fetch(
    new Request(`https://mcp.example${path}`, { method: 'POST', body, ...init, headers }),
  )
}

/** Tokens that are right but for one error each. */
const WRONG: [string, () => Promise<string> | string][] = [
  ['expired', () => signer.token({}, { expiresIn: -60 })],
  ['not valid yet', () => signer.token({ nbf: Math.floor(Date.now() / 1_000) + 600 })],
  ['without an expiry', () => signer.token({ exp: undefined })],
  ['for another resource', () => signer.token({ aud: 'https://other.example/mcp' })],
  ['for this host, but another path', () => signer.token({ aud: 'https://mcp.example/mcp/more' })],
  ['for nobody', () => signer.token({ aud: undefined })],
  ['of another issuer', () => signer.token({ iss: 'https://evil.example' })],
  ['of an issuer that looks alike', () => signer.token({ iss: `${ISSUER}/` })],
  ['of no issuer', () => signer.token({ iss: undefined })],
  ['of no subject', () => signer.token({ sub: undefined })],
  ['with alg none', () => unsigned('none', '')],
  ['with alg NONE', () => unsigned('NoNe', '')],
  ['signed by HS256 with the public key', hs256WithPublicKey],
  ['with an unknown kid', () => signer.token({}, { header: { kid: 'unknown' } })],
  ['signed by somebody else under our kid', foreignKey],
  ['with an algorithm that is not on the list', otherAlgorithm],
  ['that is a logout token', () => signer.token({}, { header: { typ: 'logout+jwt' } })],
  ['that brings its own key', withItsOwnKey],
  ['with a critical extension', () => signer.token({}, { header: { crit: ['exp2'], exp2: 1 } })],
  ['cut short', async () => (await signer.token()).slice(0, -10)],
  ['with a changed payload', changedPayload],
  ['with another spelling of the same signature', respelled],
  ['with padding', async () => `${await signer.token()}==`],
  ['of no parts', () => 'abcdef'],
  ['of five parts', () => 'a.b.c.d.e'],
  ['of nonsense', () => 'e30.e30.e30'],
]

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function claims(): object {
  return { iss: ISSUER, aud: RESOURCE, sub: 'ada', client_id: 'app', exp: Math.floor(Date.now() / 1_000) + 3_600 }
}

function unsigned(alg: string, signature: string): string {
  return `${part({ alg, typ: 'at+jwt', kid: 'k1' })}.${part(claims())}.${signature}`
}

async function hs256WithPublicKey(): Promise<string> {
  const key = await importJWK(signer.keys.keys[0] ?? {}, 'ES256', { extractable: true })
  const pem = await exportSPKI(key as import('jose').CryptoKey)
  const text = `${part({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })}.${part(claims())}`
  return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`
}

async function foreignKey(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256')
  return signer.token({}, { key: privateKey })
}

async function otherAlgorithm(): Promise<string> {
  return signer.token({}, { key: Buffer.alloc(32, 'k'), header: { alg: 'HS256' } })
}

async function withItsOwnKey(): Promise<string> {
  const evil = await Signer.create(ISSUER, RESOURCE, { kid: 'own' })
  return evil.token({}, { header: { jwk: evil.keys.keys[0], jku: 'https://evil.example/jwks' } })
}

async function changedPayload(): Promise<string> {
  const [head, , signature] = (await signer.token()).split('.')
  return `${head}.${part({ ...claims(), sub: 'root' })}.${signature}`
}

/** 64 bytes are 86 characters of base64url, the last of which has four bits to spare. */
async function respelled(): Promise<string> {
  const token = await signer.token()
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + digits[digits.indexOf(token.at(-1) ?? '') + 1]
}

describe('a wrong token', () => {
  test.each(WRONG)('%s is 401 with the challenge', async (_what, make) => {
    const response = await send(`Bearer ${await make()}`)
    expect(response.status).toBe(401)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toMatch(/^Bearer error="invalid_token", error_description="[^"]+", resource_metadata="/)
    expect(challenge).toContain('resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"')
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
    // The second answer, which comes from memory, is the same.
    expect((await send(`Bearer ${await make()}`)).status).toBe(401)
    expect(errors).toEqual([])
  })

  test('is refused the second time without a check, and the response is the same', async () => {
    const token = await foreignKey()
    const [first, second] = [await send(`Bearer ${token}`), await send(`Bearer ${token}`)]
    expect([second.status, second.headers.get('www-authenticate')]).toEqual([
      first.status,
      first.headers.get('www-authenticate'),
    ])
    expect(await second.text()).toBe(await first.text())
  })
})

describe('no token', () => {
  test.each([
    ['no header', undefined],
    ['another scheme', 'Basic YTpi'],
    ['a word that begins alike', 'Bearerish abc'],
  ])('%s is 401 without an error code', async (_what, authorization) => {
    const response = await send(authorization)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"',
    )
  })

  test.each([
    ['no token after the scheme', 'Bearer'],
    ['two tokens', 'Bearer abc def'],
    ['a list', 'Bearer abc, Bearer def'],
    ['forbidden characters', 'Bearer ab"c'],
    ['far too much', `Bearer ${'a'.repeat(20_000)}`],
  ])('%s is 400', async (_what, authorization) => {
    const response = await send(authorization)
    expect(response.status).toBe(400)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_request"/)
  })

  test('in the header is 401, even if the query has one', async () => {
    const token = await signer.token()
    expect((await send(undefined, {}, `/mcp?access_token=${token}`)).status).toBe(401)
  })

  test('is refused with the scopes that every request needs', async () => {
    start({ scopes: ['mcp', 'notes'] })
    expect((await send(undefined)).headers.get('www-authenticate')).toContain('scope="mcp notes"')
  })
})

describe('a right token', () => {
  test.each([
    ['as it is', {}, {}],
    ['with several audiences', { aud: ['https://other.example', RESOURCE] }, {}],
    ['whose audience ends with a slash', { aud: `${RESOURCE}/` }, {}],
    ['of type JWT', {}, { header: { typ: 'JWT' } }],
    ['of no type', {}, { header: { typ: undefined } }],
    ['a moment over its time', {}, { expiresIn: -1 }],
    ['without a key id', {}, { header: { kid: undefined } }],
  ])('%s opens a session', async (_what, claims, options) => {
    expect((await send(`Bearer ${await signer.token(claims, options)}`)).status).toBe(200)
  })

  test('is accepted in any case of the word Bearer', async () => {
    expect((await send(`bearer ${await signer.token()}`)).status).toBe(200)
  })

  test('without a scope that every request needs is 403 with these scopes', async () => {
    start({ scopes: ['mcp', 'notes'] })
    const response = await send(`Bearer ${await signer.token({ scope: 'mcp' })}`)
    expect(response.status).toBe(403)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toMatch(/^Bearer error="insufficient_scope", .*scope="mcp notes", resource_metadata="/)
    expect((await send(`Bearer ${await signer.token({ scope: 'notes mcp' })}`)).status).toBe(200)
    expect((await send(`Bearer ${await signer.token({ scp: ['notes', 'mcp'] })}`)).status).toBe(200)
  })

  test('without a key id is verified with each key of the set', async () => {
    const other = await Signer.create(ISSUER, RESOURCE, { kid: 'k0' })
    start({ jwks: { keys: [...other.keys.keys, ...signer.keys.keys] } })
    expect((await send(`Bearer ${await signer.token({}, { header: { kid: undefined } })}`)).status).toBe(200)
    expect((await send(`Bearer ${await foreignKey()}`)).status).toBe(401)
  })
})

describe('without a token', () => {
  test.each([
    ['GET', '/mcp'],
    ['POST', '/mcp'],
    ['DELETE', '/mcp'],
    ['PUT', '/mcp'],
    ['HEAD', '/mcp'],
    ['GET', '/sse'],
    ['POST', '/messages?sessionId=x'],
    ['DELETE', '/messages'],
  ])('%s %s is 401, even if the request has other errors', async (method, path) => {
    const headers = { 'content-type': 'text/plain', accept: 'text/html', 'mcp-protocol-version': 'x' }
    const body = method === 'POST' ? 'no JSON' : null
    const response = await send(undefined, { method, body, headers }, path)
    expect(response.status).toBe(401)
  })

  test('OPTIONS is answered', async () => {
    start()
    const response = await send(undefined, { method: 'OPTIONS', body: null })
    expect(response.status).toBe(204)
  })

  test('/healthz is answered', async () => {
    start()
    expect((await send(undefined, { method: 'GET', body: null }, '/healthz')).status).toBe(200)
  })
})
