/** ALLOWED_HOSTS, ALLOWED_ORIGINS and ALLOWED_HEADERS as people write them. */
import { afterEach, describe, expect, test } from 'vitest'
import { onEvent } from '../../lib/base/events.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { parseEnvironment } from '../../lib/platform/environment.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

const AUTH = { AUTH_ISSUER: 'https://as.example', AUTH_AUDIENCE: 'https://mcp.example/mcp' }
const PUBLIC = { HOST: '0.0.0.0' }

/** An endpoint with these variables, and the failures that it reports. */
function start(env: Record<string, string>) {
  const errors: unknown[] = []
  const { endpoint: options, warnings } = parseEnvironment(env)
  const server = new McpServer({ name: 'origin', version: '1' })
  endpoint = createEndpoint(server, { ...options, onError: (error) => errors.push(error) })
  const { fetch } = endpoint
  const send = async (headers: Record<string, string>, method = 'POST') => {
    const body = method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : null
    const given = { 'content-type': 'application/json', host: 'localhost:3000', ...headers }
    return fetch(new Request('http://localhost:3000/mcp', { method, body, headers: given }))
  }
  return { send, errors, warnings }
}

describe('ALLOWED_ORIGINS', () => {
  test.each(['*', ' * ', 'https://app.example, *'])('%s allows every origin, as documented', async (text) => {
    const { send } = start({ ...PUBLIC, ALLOWED_ORIGINS: text })
    for (const origin of ['https://app.example', 'http://localhost:6274', 'https://any.example:8443', 'null']) {
      const response = await send({ origin })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    }
  })

  test.each([
    ['https://app.example', 'https://app.example'],
    ['https://app.example/', 'https://app.example'],
    ['HTTPS://App.Example', 'https://app.example'],
    ['https://app.example:443', 'https://app.example'],
    ['http://app.example:80/', 'http://app.example'],
    ['app.example', 'https://app.example'],
    ['app.example:8443', 'https://app.example:8443'],
    ['App.Example/', 'https://app.example'],
    ['localhost:6274', 'http://localhost:6274'],
    ['localhost:6274', 'https://localhost:6274'],
    ['127.0.0.1', 'http://127.0.0.1'],
    ['::1', 'http://[::1]'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['null', 'null'],
  ])('%s allows %s', async (text, origin) => {
    const { send } = start({ ...PUBLIC, ALLOWED_ORIGINS: `https://other.example,${text}` })
    const response = await send({ origin })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    expect((await send({ origin: 'https://evil.example' })).status).toBe(403)
  })

  test('a name without scheme does not allow the page without TLS', async () => {
    const { send } = start({ ...PUBLIC, ALLOWED_ORIGINS: 'app.example' })
    expect((await send({ origin: 'http://app.example' })).status).toBe(403)
  })

  test.each([
    'https://app.example/path',
    'app.example/path',
    'https://*.example',
    '*.example',
    'https://user@app.example',
    'https://app.example?x',
    'https://app.example:99999',
    'https://',
    'file://',
    'a b',
    'https:\\\\app.example',
  ])('%s stops the start with one line', (text) => {
    const read = () => parseEnvironment({ ALLOWED_ORIGINS: text })
    expect(read).toThrow(/^ALLOWED_ORIGINS must have origins, such as [^\n]+$/)
    expect(read).toThrow(JSON.stringify(text))
  })

  test('* on a loopback address without authorization is warned of', () => {
    expect(start({ ALLOWED_ORIGINS: '*' }).warnings).toContainEqual(expect.stringContaining('ALLOWED_ORIGINS is *'))
    expect(start({ ALLOWED_ORIGINS: 'https://a.example' }).warnings).toEqual([])
    expect(start({ ALLOWED_ORIGINS: '*', ...AUTH }).warnings).toEqual([])
  })
})

describe('ALLOWED_HOSTS', () => {
  test.each([
    ['mcp.example', 'mcp.example'],
    ['MCP.Example', 'mcp.example:8080'],
    ['mcp.example:443', 'mcp.example'],
    ['mcp.example/', 'mcp.example'],
    ['https://mcp.example/', 'mcp.example'],
    ['2001:db8::1', '[2001:db8::1]:3000'],
    ['[2001:db8::1]', '[2001:db8::1]'],
    ['my_service', 'my_service:3000'],
  ])('%s serves %s and no other host', async (text, host) => {
    const { send } = start({ ...PUBLIC, ALLOWED_HOSTS: text })
    expect((await send({ host })).status).toBe(200)
    expect((await send({ host: 'evil.example' })).status).toBe(403)
  })

  test('* serves every host where clients need tokens, and behind a gateway', async () => {
    const { send } = start({ ...PUBLIC, ALLOWED_HOSTS: '*' })
    expect((await send({ host: 'any.example' })).status).toBe(200)
    await endpoint?.close()
    const signedIn = start({ ...AUTH, ALLOWED_HOSTS: 'a.example,*' })
    expect((await signedIn.send({ host: 'any.example' })).status).toBe(401)
  })

  test.each(['127.0.0.1', 'localhost', '::1', ''])(
    '* on the loopback address "%s" without authorization stops the start, because of DNS rebinding',
    (host) => {
      for (const text of ['*', 'mcp.example,*']) {
        expect(() => parseEnvironment({ HOST: host, ALLOWED_HOSTS: text })).toThrow(
          /^ALLOWED_HOSTS is \* [^\n]+rebinding/,
        )
      }
    },
  )

  test.each(['mcp.example/path', '*.example', 'user@mcp.example', 'a b', 'ftp://mcp.example', 'mcp.example:x', ','])(
    '%s stops the start with one line',
    (text) => {
      expect(() => parseEnvironment({ ALLOWED_HOSTS: text })).toThrow(/^ALLOWED_HOSTS [^\n]+$/)
    },
  )
})

describe('a refusal', () => {
  test('names the variable and the value, in the message and in the log', async () => {
    const { send, errors } = start({ ALLOWED_ORIGINS: 'https://app.example' })
    for (const [headers, variable, value] of [
      [{ origin: 'https://app.example:8443' }, 'ALLOWED_ORIGINS', 'https://app.example:8443'],
      [{ host: 'mcp.example' }, 'ALLOWED_HOSTS', 'mcp.example'],
    ] as const) {
      const reasons: string[] = []
      const end = onEvent('refusal', ({ reason }) => reasons.push(reason))
      const response = await send(headers)
      end()
      const { error } = (await response.json()) as { error: { message: string } }
      expect(response.status).toBe(403)
      for (const text of [variable, JSON.stringify(value)]) expect(error.message).toContain(text)
      expect(reasons).toEqual([error.message])
    }
    // The client caused it: it is no failure of the endpoint.
    expect(errors).toEqual([])
  })

  test('repeats at most 200 characters of the header', async () => {
    const { send } = start({ ...PUBLIC })
    const reasons: string[] = []
    const end = onEvent('refusal', ({ reason }) => reasons.push(reason))
    const response = await send({ origin: `https://${'x'.repeat(5_000)}` })
    end()
    expect((await response.text()).length).toBeLessThan(500)
    expect(reasons[0]?.length).toBeLessThan(500)
  })
})

describe('ALLOWED_HEADERS', () => {
  const asked = { 'access-control-request-method': 'POST', origin: 'https://app.example' }
  const names = async (response: Response) => response.headers.get('access-control-allow-headers')?.split(', ')

  test('lets a page send its own headers', async () => {
    const { send } = start({ ...PUBLIC, ALLOWED_ORIGINS: '*', ALLOWED_HEADERS: 'X-API-Key, x-tenant-id' })
    const requested = { ...asked, 'access-control-request-headers': 'content-type,x-api-key,x-tenant-id,x-evil' }
    const allowed = await names(await send(requested, 'OPTIONS'))
    expect(allowed).toEqual(expect.arrayContaining(['content-type', 'x-api-key', 'x-tenant-id', 'mcp-session-id']))
    expect(allowed).not.toContain('x-evil')
  })

  test('is not set: only the headers of MCP are allowed', async () => {
    const { send } = start({ ...PUBLIC, ALLOWED_ORIGINS: '*' })
    const requested = { ...asked, 'access-control-request-headers': 'x-api-key' }
    expect(await names(await send(requested, 'OPTIONS'))).not.toContain('x-api-key')
  })

  test.each(['*', 'x api key', 'x-api-key:', 'x-ä', '"x"'])('%s stops the start with one line', (text) => {
    expect(() => parseEnvironment({ ALLOWED_HEADERS: text })).toThrow(/^ALLOWED_HEADERS must have names [^\n]+$/)
  })
})

test.each([{ allowedHosts: ['*.example'] }, { allowedOrigins: ['*.example'] }, { allowedHeaders: ['a b'] }])(
  'createEndpoint refuses the option %j',
  (options) => {
    expect(() => createEndpoint(new McpServer({ name: 'a', version: '1' }), options)).toThrow(TypeError)
  },
)
