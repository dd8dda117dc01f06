/** The principal of a token, as an operator's command computes it. */
import { expect, test } from 'vitest'
import { principalOfToken } from '../../lib/admin/principal.ts'
import { plain } from '../../lib/admin/text.ts'
import { principalOf, readClaims } from '../../lib/auth/claims.ts'

const AUTH = { issuer: 'https://auth.example.com', resource: 'https://mcp.example.com/mcp', tenantClaim: 'org' }

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.signature`
}

test('is the one that the endpoint computes', () => {
  const claims = { iss: AUTH.issuer, sub: 'me', client_id: 'app', org: 'acme', exp: 1 }
  const checked = principalOf(readClaims(claims, AUTH.issuer, ''), 'org')
  expect(principalOfToken(jwt(claims), AUTH)).toBe(checked)
  expect(principalOfToken(`${jwt(claims)}\n`, AUTH)).toBe(checked)
  expect(principalOfToken(jwt({ ...claims, org: 'other' }), AUTH)).not.toBe(checked)
})

test.each([
  ['opaque', AUTH, /^The token is no JWT: only the authorization server can say whose it is\.$/],
  ['a.b.c', AUTH, /^The token is no JWT: its second part is no JSON\.$/],
  [jwt({ iss: 'https://other', sub: 'me' }), AUTH, /^The token is one of "https:\/\/other", and AUTH_ISSUER is https/],
  [jwt({ sub: 'me' }), AUTH, /^The token is one of null/],
  [jwt({ iss: AUTH.issuer }), AUTH, /^The token names no subject\.$/],
  [jwt({ iss: AUTH.issuer, sub: 'me' }), undefined, /^AUTH_ISSUER is not set/],
])('is refused with one line that does not repeat the token: %#', (token, auth, line) => {
  let message = ''
  try {
    principalOfToken(token, auth)
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toMatch(line)
  expect(message).not.toContain(token)
})

test('names of clients cannot act on a terminal', () => {
  expect(plain('a\u001b[2Jb\nc\u202ed\u2028e')).toBe('a [2Jb c d e')
  expect(plain('x'.repeat(1_000)).length).toBeLessThan(110)
})
