/** What a browser gets, where and with which headers, and that every client gets what it got without the page. */
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { About } from '../../lib/page/about.ts'
import type { PageFleet } from '../../lib/page/options.ts'
import { page, pageWith } from '../../lib/page/routes.ts'
import { type Environment, parseEnvironment } from '../../lib/platform/environment.ts'
import { server } from '../fixtures/small.ts'
import { Signer } from '../support/authorization.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const ORIGIN = 'http://localhost'

const open: Endpoint[] = []
afterAll(() => Promise.all(open.map((endpoint) => endpoint.close())))
function endpointWith(options: EndpointOptions = {}): Endpoint {
  const endpoint = createEndpoint(server, { page, allowedHosts: 'local', ...options })
  open.push(endpoint)
  return endpoint
}

const endpoint = endpointWith()
const without = endpointWith({ page: undefined })

function get(path: string, headers: Record<string, string> = {}, at = endpoint): Promise<Response> {
  return at.fetch(new Request(`${ORIGIN}${path}`, { headers: { accept: BROWSER, ...headers } }))
}
const isPage = async (response: Response) =>
  response.headers.get('content-type') === 'text/html; charset=utf-8' && (await response.text()).startsWith('<!doctype')

describe('a browser gets the page', () => {
  test.each(['/', '/mcp', '/mcp/', '/mcp?x=1'])('at %s', async (path) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(await isPage(response)).toBe(true)
  })

  test('with headers that let it run its own script alone, speak to its own origin alone, and be in no frame', async () => {
    const { headers } = await get('/')
    const policy = headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      'media-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      vary: 'Accept, Accept-Encoding',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  })

  test('whose HTML has no script and no style of its own, and no other address than its own', async () => {
    const html = await (await get('/')).text()
    expect(html).not.toMatch(/<script(?![^>]*\bsrc="\?page=)/)
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|https?:/)
    for (const [, address = ''] of html.matchAll(/\b(?:src|href)="([^"]+)"/g)) expect(address).toMatch(/^(\?page=|#)/)
  })

  test('at the path of MCP_PATH and MCP_PREFIX', async () => {
    const at = endpointWith({ path: '/api', prefix: '/tools' })
    for (const path of ['/', '/api', '/tools', '/tools/api'])
      expect(await isPage(await get(path, {}, at)), path).toBe(true)
    expect(await isPage(await get('/mcp', {}, at))).toBe(false)
    const root = endpointWith({ path: '/' })
    expect(await isPage(await get('/', {}, root))).toBe(true)
    expect((await get('/', { accept: 'text/event-stream' }, root)).status).toBe(400)
  })

  test('and no other host name than the allowed ones does, in words that say which setting refuses it', async () => {
    const response = await endpoint.fetch(new Request('http://attacker.example/', { headers: { accept: BROWSER } }))
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const text = await response.text()
    expect(text).toContain('The Host header names "attacker.example"')
    // The cure.
    expect(text).toContain('ALLOWED_HOSTS=attacker.example,localhost,127.0.0.1')
  })
})

describe('its files', () => {
  const names = ['app.js', 'app.css', 'icon.svg']

  test('are all compressed under 150 KB together', async () => {
    const sizes = await Promise.all(
      ['/', ...names.map((name) => `/?page=${name}`)].map(async (path) => {
        const response = await get(path, { 'accept-encoding': 'gzip, br' })
        expect(response.headers.get('content-encoding')).toBe('gzip')
        return (await response.arrayBuffer()).byteLength
      }),
    )
    const sum = sizes.reduce((total, size) => total + size, 0)
    expect(sum).toBeLessThan(150_000)
    // The measure works: the official client is in it.
    expect(sum).toBeGreaterThan(50_000)
  })

  test('are the same for who takes no compression', async () => {
    for (const name of names) {
      const compressed = await (await get(`/?page=${name}`, { 'accept-encoding': 'gzip' })).arrayBuffer()
      for (const encoding of ['br', 'gzip;q=0', 'identity']) {
        const plain = await get(`/mcp?page=${name}`, { 'accept-encoding': encoding })
        expect(plain.headers.get('content-encoding')).toBeNull()
        expect(await plain.text()).toBe(gunzipSync(compressed).toString('utf8'))
      }
    }
  })

  test('are kept for ever under the address of the page, and never under another one', async () => {
    const html = await (await get('/')).text()
    const [, address = ''] = /src="(\?page=app\.js&amp;v=[\w-]+)"/.exec(html) ?? []
    const known = await get(`/${address.replace('&amp;', '&')}`)
    expect(known.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(known.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    const old = await get('/?page=app.js&v=old')
    expect([old.status, old.headers.get('cache-control')]).toEqual([200, 'no-store'])
  })

  test('name no other site that the script could ask', async () => {
    const css = await (await get('/?page=app.css')).text()
    expect(css).not.toMatch(/url\(|@import/)
  })
})

describe('the page reads what it shows before it speaks MCP', () => {
  const about = async (at: Endpoint) => (await (await get('/?page=about', {}, at)).json()) as About

  test('the name of the server and the path of the endpoint', async () => {
    expect(await about(endpoint)).toEqual({ name: 'notes', path: '/mcp', admission: 'open' })
    expect(await about(endpointWith({ path: '/api' }))).toMatchObject({ path: '/api' })
  })

  test('with authorization nothing more, without a token, while MCP itself needs one', async () => {
    const signer = await Signer.create('https://auth.example.com', 'https://mcp.example.com/mcp')
    const { issuer, resource, keys } = signer
    const guarded = endpointWith({ auth: { issuer, resource, jwks: keys } })
    expect(await isPage(await get('/', {}, guarded))).toBe(true)
    expect(await about(guarded)).toEqual({ name: 'notes', path: '/mcp', admission: 'oauth' })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const headers = { 'content-type': 'application/json', 'mcp-anywhere-page': '1' }
    const refused = await guarded.fetch(new Request(`${ORIGIN}/mcp`, { method: 'POST', headers, body }))
    expect(refused.status).toBe(401)
    const own = endpointWith({ auth: { resource, verify: () => undefined } })
    expect(await about(own)).toMatchObject({ admission: 'token' })
    expect(await about(endpointWith({ auth: 'middleware' }))).toMatchObject({ admission: 'token' })
  })
})

describe('a client gets what it gets without the page', () => {
  const CLIENTS: [name: string, method: string, path: string, headers: Record<string, string>][] = [
    ['opens a stream', 'GET', '/mcp', { accept: 'text/event-stream' }],
    ['opens a stream of a session', 'GET', '/mcp', { accept: 'text/event-stream', 'mcp-session-id': 'x' }],
    ['takes everything', 'GET', '/mcp', { accept: '*/*' }],
    ['names no type', 'GET', '/mcp', {}],
    ['takes both', 'GET', '/mcp', { accept: 'text/event-stream, text/html' }],
    ['is a browser with a session', 'GET', '/mcp', { accept: BROWSER, 'mcp-session-id': 'x' }],
    ['is a browser that resumes', 'GET', '/mcp', { accept: BROWSER, 'last-event-id': 'x' }],
    ['is a browser with a revision', 'GET', '/mcp', { accept: BROWSER, 'mcp-protocol-version': '2025-11-25' }],
    ['asks for a page of another kind', 'GET', '/mcp?page=2', { accept: '*/*' }],
    ['looks at the root', 'GET', '/', { accept: '*/*' }],
    ['looks at the root for JSON', 'GET', '/', { accept: 'application/json' }],
    ['sends to the root', 'POST', '/', { accept: BROWSER, 'content-type': 'application/json' }],
    ['sends', 'POST', '/mcp', { accept: BROWSER, 'content-type': 'application/json' }],
    [
      'kills',
      'POST',
      '/mcp?page=kill',
      { accept: BROWSER, 'content-type': 'application/json', 'mcp-anywhere-page': '0' },
    ],
    ['ends its session', 'DELETE', '/mcp', { accept: BROWSER, 'mcp-session-id': 'x' }],
    ['asks with OPTIONS', 'OPTIONS', '/mcp', { origin: ORIGIN }],
    ['is elsewhere', 'GET', '/other', { accept: BROWSER }],
  ]

  test.each(CLIENTS)('where it %s', async (_name, method, path, headers) => {
    const body = method === 'POST' ? JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }) : undefined
    const [one, other] = await Promise.all(
      [endpoint, without].map(async (at) => {
        const response = await at.fetch(new Request(`${ORIGIN}${path}`, { method, headers, ...(body && { body }) }))
        const all = Object.fromEntries([...response.headers].filter(([name]) => name !== 'mcp-anywhere-instance'))
        return { status: response.status, headers: all, body: await response.text() }
      }),
    )
    expect(one).toEqual(other)
  })

  test('and the name of the instance goes only to the page', async () => {
    const send = async (headers: Record<string, string>, at = endpoint) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
      const all = { 'content-type': 'application/json', accept: 'application/json', ...headers }
      const response = await at.fetch(new Request(`${ORIGIN}/mcp`, { method: 'POST', headers: all, body }))
      return response.headers.get('mcp-anywhere-instance')
    }
    expect(await send({})).toBeNull()
    expect(await send({ 'mcp-anywhere-page': '3' })).toBe(endpoint.instanceId)
    expect(await send({ 'mcp-anywhere-page': '3' }, without)).toBeNull()
    expect(await send({ 'mcp-anywhere-page': '3' }, endpointWith({ page: pageWith({ instance: '2' }) }))).toBe('2')
  })

  test('and an app that has the endpoint as a middleware has the root only with the page', () => {
    expect([endpoint.serves('/'), without.serves('/')]).toEqual([true, false])
  })
})

describe('without the page', () => {
  test.each(['/', '/mcp', '/?page=app.js', '/mcp?page=about'])('%s is as it was', async (path) => {
    const response = await get(path, {}, without)
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.headers.get('content-type')).toBe('application/json')
  })
})

describe('PAGE', () => {
  const AUTH = { AUTH_ISSUER: 'https://auth.example.com', AUTH_AUDIENCE: 'https://mcp.example.com/mcp' }
  const HOSTED = { HOST: '0.0.0.0', ...AUTH }
  const pageOf = (env: Environment) => parseEnvironment(env).page

  test('is on by itself on a loopback address', () => {
    for (const HOST of ['127.0.0.1', 'localhost', '::1']) expect(pageOf({ HOST })).toBe(true)
    expect(pageOf({})).toBe(true)
    expect(pageOf({ PAGE: '0' })).toBe(false)
  })

  test('is off elsewhere, unless it is set', () => {
    expect(pageOf(HOSTED)).toBe(false)
    expect(pageOf({ ...HOSTED, PAGE: '1' })).toBe(true)
    expect(() => pageOf({ PAGE: 'yes' })).toThrow('PAGE must be 1 or 0, not "yes".')
  })

  test('has a warning where the requests of the page would be refused', () => {
    const warned = (env: Environment) =>
      parseEnvironment({ ...HOSTED, ...env }).warnings.some((line) => /^PAGE is 1/.test(line))
    expect(warned({ PAGE: '1' })).toBe(true)
    expect(warned({ PAGE: '1', ALLOWED_HOSTS: 'mcp.example.com' })).toBe(false)
    expect(warned({ PAGE: '1', ALLOWED_ORIGINS: 'https://mcp.example.com' })).toBe(false)
    expect(warned({})).toBe(false)
  })
})

describe('the page ends an instance of dev', () => {
  const killed: string[] = []
  const fleet: PageFleet = {
    token: 'right',
    instances: () => [
      { name: '1', isReady: true },
      { name: '2', isReady: false },
    ],
    kill: (name) => void killed.push(name),
  }
  let dev: Endpoint
  beforeAll(() => {
    dev = endpointWith({ page: pageWith({ instance: '1', fleet }) })
  })

  const OWN = { origin: ORIGIN, 'content-type': 'application/json', 'mcp-anywhere-page': '0' }
  async function kill(
    headers: Record<string, string | undefined> = {},
    body: unknown = { instance: '2', token: 'right' },
    at = dev,
  ) {
    killed.length = 0
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const all = { ...OWN, host: 'localhost', 'content-length': String(text.length), ...headers }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const request = new Request(`${ORIGIN}/mcp?page=kill`, { method: 'POST', headers: given, body: text })
    // Some headers cannot be set on a Request.
    const response = await at.fetch(request, { incoming: { headers: Object.fromEntries(given) } })
    return { status: response.status, text: await response.text(), killed: [...killed] }
  }

  test('that it names, with the token, from its own origin', async () => {
    expect(await kill()).toEqual({ status: 200, text: '{"instance":"2"}', killed: ['2'] })
    expect(await kill({ 'sec-fetch-site': 'same-origin' })).toMatchObject({ status: 200, killed: ['2'] })
  })

  test('once the response has left, since it may be its own', async () => {
    const closing: (() => void)[] = []
    const outgoing = { once: (_event: 'close', listener: () => void) => closing.push(listener) }
    const body = JSON.stringify({ instance: '1', token: 'right' })
    const headers = { ...OWN, host: 'localhost', 'content-length': String(body.length) }
    const request = new Request(`${ORIGIN}/mcp?page=kill`, { method: 'POST', headers, body })
    killed.length = 0
    expect((await dev.fetch(request, { incoming: { headers }, outgoing })).status).toBe(200)
    expect(killed).toEqual([])
    for (const close of closing) close()
    expect(killed).toEqual(['1'])
  })

  test('and shows those that there are', async () => {
    const about = (await (await get('/?page=about', {}, dev)).json()) as About
    expect(about.instances).toEqual(fleet.instances())
  })

  test.each([
    ['another token', {}, { instance: '2', token: 'wrong' }, 403],
    ['no token', {}, { instance: '2' }, 400],
    ['an instance that there is not', {}, { instance: '3', token: 'right' }, 404],
    ['no JSON', {}, 'kill', 400],
    ['a long body', {}, { instance: '2', token: 'right', more: 'x'.repeat(2_000) }, 400],
    ['a body of another type', { 'content-type': 'text/plain' }, undefined, 400],
    ['a body whose length nobody says', { 'content-length': undefined }, undefined, 400],
    ['no origin', { origin: undefined }, undefined, 403],
    ['the origin of another port', { origin: 'http://localhost:8080' }, undefined, 403],
    ['the origin of another site', { origin: 'https://attacker.example' }, undefined, 403],
    ['a request that another site has caused', { 'sec-fetch-site': 'cross-site' }, undefined, 403],
    ['another host name', { host: 'attacker.example' }, undefined, 403],
  ] as const)('refuses %s', async (_name, headers, body, status) => {
    expect(await kill(headers, body)).toMatchObject({ status, killed: [] })
  })

  test('and elsewhere than in dev there is nothing to end', async () => {
    const { status, text } = await kill({}, undefined, endpoint)
    expect(status).toBe(400)
    expect(text).not.toContain('instance')
  })
})
