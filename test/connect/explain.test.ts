/** What people read when a request was refused: responses of this endpoint, of what is in front of it, and nonsense. */
import { describe, expect, test } from 'vitest'
import { explain, explainEvent } from '../../lib/connect/explain.ts'
import { ErrorCode } from '../../lib/protocol/errors.ts'
import { refusalText } from '../../lib/protocol/refusal-texts.ts'

const rpc = (message: string, code: number = ErrorCode.InvalidRequest) => ({
  jsonrpc: '2.0',
  id: null,
  error: { code, message },
})

const because = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  explain({ status, body, headers: new Headers(headers) })

describe('a refusal of this endpoint', () => {
  test('is read from a text and from an object', () => {
    const message = refusalText('host', 'demo.ngrok.app')
    expect(because(403, JSON.stringify(rpc(message)))).toEqual(because(403, rpc(message)))
    expect(because(403, rpc(message)).cause).toBe(message)
  })

  test.each(['demo.ngrok.app', 'demo.ngrok.app:443', 'DEMO.ngrok.app'])(
    'of the host %s has the line to copy',
    (host) => {
      expect(because(403, rpc(refusalText('host', host))).cure).toMatch(
        /: ALLOWED_HOSTS=demo\.ngrok\.app,localhost,127\.0\.0\.1$/,
      )
    },
  )

  test.each(['', 'a b', '$(id)', '`id`', 'a;b', 'a\nb', '-x', 'a'.repeat(300)])(
    'of the host %j has no line to copy',
    (host) => {
      expect(because(403, rpc(refusalText('host', host))).cure).toMatch(/\(all names, without ports\)$/)
    },
  )

  test('of an IPv6 host has it in brackets', () => {
    expect(because(403, rpc(refusalText('host', '[fd00::1]:3000'))).cure).toContain('ALLOWED_HOSTS=[fd00::1],')
  })

  test.each(['null', 'https://a$(id)', 'javascript:alert(1)'])('of the origin %s has no line to copy', (origin) => {
    expect(because(403, rpc(refusalText('origin', origin))).cure).toMatch(/\(ALLOWED_ORIGINS\)$/)
  })

  test('that wants a token without an authorization server names the operator', () => {
    expect(because(401, rpc(refusalText('tokenMissing', undefined)), { 'www-authenticate': 'Bearer' }).cure).toMatch(
      /^Get a token from the operator/,
    )
  })

  test('of an expired token asks for a new one', () => {
    expect(because(401, rpc('The token has expired.')).cure).toMatch(/^Get a new token/)
  })

  test.each([429, 503])('with status %i says when to try again', (status) => {
    expect(because(status, rpc('Too many requests.'), { 'retry-after': '7' }).cure).toBe('Try again in 7 s.')
    expect(because(status, rpc('Too many requests.'), { 'retry-after': 'Thu, 01 Jan 2026' }).cure).toBe(
      'Try again later.',
    )
  })

  test('of a limit names the setting', () => {
    const message = refusalText('rate', '3', 'address')
    expect(message).toBe('Too many requests (RATE_PER_ADDRESS). Try again in 3 s.')
    expect(because(429, rpc(message), { 'retry-after': '3' }).cure).toBe(
      'Try again in 3 s, or let RATE_PER_ADDRESS be more where this is your endpoint.',
    )
    expect(because(429, rpc(refusalText('stored', 5))).cure).toContain('MAX_STORED_BYTES')
  })

  test('of a method that the server lacks is no wrong address', () => {
    expect(because(404, rpc('Method not found', ErrorCode.MethodNotFound)).cure).not.toContain('path')
  })

  test('of its own fault points to the log', () => {
    expect(because(500, rpc('The endpoint failed to answer.')).cure).toContain('log')
  })
})

describe('a response of something else', () => {
  test.each([
    [401, '<html>Sign in</html>', /something in front/, /credentials/],
    [403, 'Forbidden', /something in front/, /firewall/],
    [404, 'Cannot POST /mcp', /no MCP endpoint at this address/, /ends in \/mcp/],
    [413, '', /something in front/, /raise its limit/],
    [502, '<h1>Bad Gateway</h1>', /something in front/, /reaches no instance/],
    [504, '{"message":"Endpoint request timed out"}', /something in front/, /waited too long/],
    [418, 'teapot', /something in front/, /log of what is in front/],
  ])('%i %s', (status, body, cause, cure) => {
    const explained = because(status, body)
    expect(explained.cause).toMatch(cause)
    expect(explained.cure).toMatch(cure)
    expect(explained.cause).not.toContain('<')
  })

  test.each([
    undefined,
    null,
    5,
    [],
    {},
    { jsonrpc: '2.0' },
    { jsonrpc: '2.0', error: 'x' },
    { jsonrpc: '2.0', error: { message: 5 } },
    '{',
    { error: { message: 'x' } },
  ])('%j is none of the endpoint', (body) => {
    expect(because(403, body).cause).toMatch(/something in front/)
  })
})

test('hostile texts are one line without controls, and cut', () => {
  const { cause, cure } = because(401, rpc(`\u001b[31m${'x\n\u202e'.repeat(2_000)}`), {
    'www-authenticate': `Bearer resource_metadata="${'y'.repeat(9_000)}"`,
  })
  expect(cause).not.toMatch(/[\p{C}\u2028]/u)
  expect(cause.length).toBeLessThanOrEqual(1_000)
  expect(cure.length).toBeLessThan(10_000)
})

test('an event of the endpoint is explained as its response is', () => {
  const reason = refusalText('host', 'demo.ngrok.app')
  expect(explainEvent(403, reason)).toEqual(because(403, rpc(reason)))
})
