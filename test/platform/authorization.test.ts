/** The variables of authorization and of limits. */
import { describe, expect, test } from 'vitest'
import { BadSetting, parseEnvironment } from '../../lib/platform/environment.ts'

const AUTH = { AUTH_ISSUER: 'https://as.example', AUTH_AUDIENCE: 'https://mcp.example/mcp' }

describe('AUTH_*', () => {
  test('two variables are enough for JWTs of one authorization server', () => {
    const { endpoint, warnings } = parseEnvironment({ HOST: '0.0.0.0', ...AUTH })
    expect(endpoint.auth).toMatchObject({ issuer: ['https://as.example'], resource: 'https://mcp.example/mcp' })
    expect(warnings).toEqual([])
  })

  test('further variables set keys, algorithms, scopes, tenants and introspection', () => {
    const { endpoint } = parseEnvironment({
      ...AUTH,
      AUTH_ISSUER: 'https://one.example, https://two.example',
      AUTH_AUDIENCE: 'https://mcp.example/mcp, api://notes',
      AUTH_JWKS: 'https://as.example/keys',
      AUTH_ALGORITHMS: 'RS256',
      AUTH_SCOPES: 'mcp, notes:read',
      AUTH_TENANT_CLAIM: 'org_id',
      AUTH_INTROSPECTION_URL: 'https://as.example/introspect',
      AUTH_INTROSPECTION_CLIENT_ID: 'notes',
      AUTH_INTROSPECTION_CLIENT_SECRET: 'secret',
    })
    expect(endpoint.auth).toMatchObject({
      issuer: ['https://one.example', 'https://two.example'],
      audiences: ['api://notes'],
      jwks: 'https://as.example/keys',
      algorithms: ['RS256'],
      scopes: ['mcp', 'notes:read'],
      tenantClaim: 'org_id',
      introspection: { url: 'https://as.example/introspect', clientId: 'notes', clientSecret: 'secret' },
    })
  })

  test.each([
    ['an audience is missing', { AUTH_ISSUER: 'https://as.example' }, 'AUTH_AUDIENCE'],
    ['an issuer is missing', { AUTH_AUDIENCE: 'https://mcp.example/mcp' }, 'AUTH_AUDIENCE'],
    ['the audience is no URL', { ...AUTH, AUTH_AUDIENCE: 'notes' }, 'AUTH_'],
    ['the issuer has no TLS', { ...AUTH, AUTH_ISSUER: 'http://as.example' }, 'AUTH_'],
    ['an algorithm is none', { ...AUTH, AUTH_ALGORITHMS: 'none' }, 'AUTH_'],
    ['introspection has no secret', { ...AUTH, AUTH_INTROSPECTION_URL: 'https://as.example/i' }, 'AUTH_INTROSPECTION'],
  ])('%s: the start stops with one line', (_what, env, name) => {
    const read = () => parseEnvironment(env)
    expect(read).toThrow(BadSetting)
    expect(read).toThrow(name)
    expect(read).not.toThrow(/\n/)
  })

  test('an authorization server without TLS is accepted on this machine, and elsewhere with AUTH_INSECURE_HTTP', () => {
    expect(parseEnvironment({ ...AUTH, AUTH_ISSUER: 'http://localhost:4000' }).endpoint.auth).toBeDefined()
    const insecure = { ...AUTH, AUTH_ISSUER: 'http://keycloak:8080', AUTH_INSECURE_HTTP: '1' }
    expect(parseEnvironment(insecure).endpoint.auth).toBeDefined()
  })
})

describe('a public address without authorization', () => {
  test.each(['0.0.0.0', '::', '192.168.1.7'])('%s causes a warning', (HOST) => {
    expect(parseEnvironment({ HOST }).warnings.join(' ')).toMatch(/nobody is asked for a token/i)
  })

  test.each([{}, { HOST: 'localhost' }, { HOST: '::1' }, { HOST: '0.0.0.0', ...AUTH }])(
    '%j causes no warning',
    (env) => {
      expect(parseEnvironment(env).warnings).toEqual([])
    },
  )
})

describe('limits', () => {
  test('are set by variables', () => {
    const { endpoint } = parseEnvironment({
      MAX_BODY_BYTES: '1000',
      TRUSTED_PROXIES: '2',
      RATE_PER_PRINCIPAL: '50/200',
      RATE_PER_ADDRESS: 'off',
      MAX_CALLS: '5',
      MAX_CALLS_PER_PRINCIPAL: '50',
      MAX_SESSIONS_PER_PRINCIPAL: '6',
      MAX_STREAMS: '7',
    })
    expect(endpoint.http).toEqual({
      maxBytes: 1_000,
      proxies: 2,
      principalRate: { perSecond: 50, burst: 200 },
      addressRate: undefined,
    })
    expect(endpoint.session).toMatchObject({ maxCalls: 5, maxCallsPerPrincipal: 50, maxSessions: 6, maxStreams: 7 })
  })

  test.each([
    ['MAX_CALLS', 'many'],
    ['MAX_BODY_BYTES', '-1'],
    ['RATE_PER_PRINCIPAL', '0'],
    ['RATE_PER_ADDRESS', '5/0'],
    ['MCP_UNSEALED', 'maybe'],
  ])('%s=%s stops the start', (name, value) => {
    expect(() => parseEnvironment({ [name]: value })).toThrow(name)
  })
})
