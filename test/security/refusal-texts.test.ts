/**
 * Each refusal that a setting decides says what came and which setting refused it, and `explain` of the page makes a cause and a cure
 * of the response: in memory and in Redis, with a session and without.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuthOptions } from '../../lib/auth/options.ts'
import { explain } from '../../lib/connect/explain.ts'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { META } from '../../lib/protocol/meta.ts'
import { refusalText } from '../../lib/protocol/refusal-texts.ts'
import { STATELESS_REVISION } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Store } from '../../lib/store/store.ts'
import { Signer } from '../support/authorization.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const RESOURCE = 'https://mcp.example/mcp'
const ISSUER = 'https://as.example'
/** What a terminal, a page or a header would take for more than text. */
const HOSTILE = `"><script>alert(1)</script>&\u001b[31m`

let signer: Signer
beforeAll(async () => {
  signer = await Signer.create(ISSUER, RESOURCE)
})

type Headers_ = Record<string, string>

interface Revision {
  name: string
  /** A request of a client that has no session yet. */
  first: { body: object; headers: Headers_ }
}

const REVISIONS: Revision[] = [
  {
    name: '2025-11-25',
    first: {
      body: {
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
      },
      headers: {},
    },
  },
  {
    name: STATELESS_REVISION,
    first: {
      body: {
        method: 'tools/call',
        params: {
          name: 'purge',
          _meta: {
            [META.protocolVersion]: STATELESS_REVISION,
            [META.clientInfo]: { name: 'raw', version: '1' },
            [META.clientCapabilities]: {},
          },
        },
      },
      headers: { 'mcp-protocol-version': STATELESS_REVISION, 'mcp-method': 'tools/call', 'mcp-name': 'purge' },
    },
  },
]

const opened: { endpoint: Endpoint; store: Store }[] = []
afterEach(async () => {
  for (const { endpoint, store } of opened.splice(0)) {
    await endpoint.close()
    await store.close()
  }
})

describe.each(['memory', 'Redis'])('with sessions in %s', (kind) => {
  let redis: RedisServer | undefined
  beforeAll(async () => {
    if (kind === 'Redis') redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  function start(options: EndpointOptions = {}): Endpoint {
    const server = new McpServer({ name: 'refusing', version: '1' })
    server.registerTool('purge', { requiredScopes: options.auth ? ['admin'] : [] }, () => ({ content: [] }))
    const store = redis ? redisStore(redis.url) : memoryStore()
    const endpoint = createEndpoint(server, { onError: () => {}, ...options, store })
    opened.push({ endpoint, store })
    return endpoint
  }

  async function send(
    endpoint: Endpoint,
    body: object | undefined,
    headers: Headers_ = {},
    method = 'POST',
    path = '/mcp',
  ) {
    const request = new Request(`http://mcp.example${path}`, {
      method,
      body: body ? JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }) : null,
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, host: 'mcp.example', ...headers },
    })
    const response = await endpoint.fetch(request)
    return { response, status: response.status, text: await response.text() }
  }

  /** The message of the response, after the checks that hold for each. */
  function messageOf({ response, status, text }: Awaited<ReturnType<typeof send>>) {
    expect(response.headers.get('content-type')).toBe('application/json')
    const { jsonrpc, error } = JSON.parse(text)
    expect(jsonrpc).toBe('2.0')
    expect(error.message).toMatch(/^[\x20-\x7e]{20,1000}$/)
    expect(error.message.replaceAll('<token>', '')).not.toMatch(/[<>&]/)
    const { cause, cure } = explain({ status, body: text, headers: response.headers })
    expect(cause).toBe(error.message)
    expect(cure).toMatch(/^[\x20-\x7e]{10,600}$/)
    return { message: String(error.message), cure }
  }

  describe.each(REVISIONS)('a client of $name', ({ first }) => {
    test('learns which host came, and that ALLOWED_HOSTS lacks it', async () => {
      const endpoint = start({ allowedHosts: 'local' })
      const refused = await send(endpoint, first.body, { ...first.headers, host: 'Demo.ngrok.app:443' })
      expect(refused.status).toBe(403)
      const { message, cure } = messageOf(refused)
      expect(message).toMatch(
        /^The Host header names "Demo\.ngrok\.app:443", which ALLOWED_HOSTS \(allowedHosts\) lacks\./,
      )
      expect(cure).toContain('ALLOWED_HOSTS=demo.ngrok.app,localhost,127.0.0.1')
    })

    test('learns which origin came, and that ALLOWED_ORIGINS lacks it', async () => {
      const endpoint = start({ allowedHosts: ['mcp.example'] })
      const refused = await send(endpoint, first.body, { ...first.headers, origin: 'https://app.example:8443' })
      expect(refused.status).toBe(403)
      const { message, cure } = messageOf(refused)
      expect(message).toMatch(/^The Origin "https:\/\/app\.example:8443" is not allowed here: ALLOWED_ORIGINS /)
      expect(cure).toContain('ALLOWED_ORIGINS=https://app.example:8443')
    })

    test.each([
      ['host', { host: `a${HOSTILE.replaceAll('\u001b', '')}`.repeat(300) }, 'ALLOWED_HOSTS'],
      ['origin', { origin: `https://a${HOSTILE.replaceAll('\u001b', '')}`.repeat(300) }, 'ALLOWED_ORIGINS'],
    ])('gets a hostile %s cut, escaped and without an example that has it', async (_what, headers, setting) => {
      const endpoint = start({ allowedHosts: ['mcp.example'] })
      const refused = await send(endpoint, first.body, { ...first.headers, ...headers })
      expect(refused.status).toBe(403)
      const { message, cure } = messageOf(refused)
      expect(message).toContain(setting)
      expect(message.length).toBeLessThan(700)
      expect(cure).not.toContain('script')
    })

    describe('where tokens are needed', () => {
      const AUTH = (): AuthOptions => ({ issuer: ISSUER, resource: RESOURCE, jwks: signer.keys })
      const withToken = async (authorization: string | undefined, auth: Partial<AuthOptions> = {}) => {
        const headers = authorization === undefined ? first.headers : { ...first.headers, authorization }
        return send(start({ auth: { ...AUTH(), ...auth } }), first.body, headers)
      }

      test.each([
        [undefined, 'has no Authorization header'],
        ['Basic c2VjcmV0OnNlY3JldA==', 'has an Authorization header with the scheme "Basic"'],
        ['my-secret-token', 'has an Authorization header without the word Bearer'],
      ])('without a bearer token (%s) gets 401 that says what came', async (authorization, came) => {
        const refused = await withToken(authorization)
        expect(refused.status).toBe(401)
        const { message, cure } = messageOf(refused)
        expect(message).toContain(`This endpoint needs an access token (AUTH_ISSUER), and the request ${came}.`)
        expect(cure).toContain('https://mcp.example/.well-known/oauth-protected-resource/mcp')
        expect(refused.text + JSON.stringify([...refused.response.headers])).not.toMatch(/c2Vj|my-secret/)
      })

      test.each([
        ['Bearer', 'no token follows the word Bearer'],
        ['Bearer ', 'no token follows the word Bearer'],
        [`Bearer \${MCP_TOKEN}`, 'a variable or a placeholder that was not replaced'],
        ['Bearer <token>', 'a variable or a placeholder that was not replaced'],
        ['Bearer sec ret', 'characters that no token has'],
        [`Bearer ${'a'.repeat(17_000)}`, 'too long'],
      ])('with %s gets 400 that says why', async (authorization, why) => {
        const refused = await withToken(authorization)
        expect(refused.status).toBe(400)
        const { message, cure } = messageOf(refused)
        expect(message).toContain(why)
        expect(cure).toContain('Authorization: Bearer <token>')
        expect(refused.text).not.toMatch(/sec ret|aaaa/)
      })

      test('with a token of another issuer learns that AUTH_ISSUER lacks it', async () => {
        const refused = await withToken(`Bearer ${await signer.token({ iss: `https://other.example/${HOSTILE}` })}`)
        expect(refused.status).toBe(401)
        const { message, cure } = messageOf(refused)
        expect(message).toMatch(/its issuer is "https:\/\/other\.example\/.*, which AUTH_ISSUER lacks\.$/)
        expect(cure).toContain('AUTH_ISSUER')
        // RFC 6750: no quotes and no backslashes in a description.
        expect(refused.response.headers.get('www-authenticate')).toMatch(
          /error_description="[^"\\]+AUTH_ISSUER lacks\."/,
        )
      })

      test.each([
        [undefined, 'it names no issuer'],
        [5 as unknown as string, 'it names no issuer'],
      ])('with a token whose issuer is %s is refused, too', async (iss, came) => {
        const refused = await withToken(`Bearer ${await signer.token({ iss })}`)
        expect(refused.status).toBe(401)
        expect(messageOf(refused).message).toContain(came)
      })

      test('with a token for another audience learns that AUTH_AUDIENCE lacks it', async () => {
        const aud = ['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example']
        const refused = await withToken(`Bearer ${await signer.token({ aud })}`)
        expect(refused.status).toBe(401)
        const { message, cure } = messageOf(refused)
        expect(message).toBe(
          'The token is not for this endpoint: its audience is "https://a.example", "https://b.example", "https://c.example", 1 more, and AUTH_AUDIENCE lacks it.',
        )
        expect(cure).toContain('AUTH_AUDIENCE')
      })

      test('with a token of another algorithm learns that AUTH_ALGORITHMS lacks it', async () => {
        const refused = await withToken(`Bearer ${await signer.token()}`, { algorithms: ['RS256'] })
        expect(refused.status).toBe(401)
        expect(messageOf(refused).message).toContain('"ES256", which AUTH_ALGORITHMS lacks')
      })

      test('with a token of an unknown key learns that its key is not published', async () => {
        const refused = await withToken(`Bearer ${await signer.token({}, { header: { kid: 'another' } })}`)
        expect(refused.status).toBe(401)
        expect(messageOf(refused).message).toContain('does not publish the key')
      })

      test('with a token that lacks a scope of every request learns which, and that AUTH_SCOPES has it', async () => {
        const refused = await withToken(`Bearer ${await signer.token({ scope: 'other' })}`, {
          scopes: ['mcp', 'other'],
        })
        expect(refused.status).toBe(403)
        const { message, cure } = messageOf(refused)
        expect(message).toBe('The token lacks the scope "mcp", which every request here needs (AUTH_SCOPES).')
        expect(cure).toContain('these scopes: mcp other')
      })

      test('with a token that lacks the scope of a tool learns which', async () => {
        const endpoint = start({ auth: AUTH() })
        const authorization = `Bearer ${await signer.token({ scope: 'notes' })}`
        let refused: Awaited<ReturnType<typeof send>>
        if (first.headers['mcp-name']) refused = await send(endpoint, first.body, { ...first.headers, authorization })
        else {
          const { response } = await send(endpoint, first.body, { authorization })
          const session = response.headers.get('mcp-session-id') ?? ''
          const call = { method: 'tools/call', params: { name: 'purge' } }
          refused = await send(endpoint, call, { authorization, 'mcp-session-id': session })
        }
        expect(refused.status).toBe(403)
        const { message, cure } = messageOf(refused)
        expect(message).toBe('The token lacks the scope "admin", which this request needs.')
        expect(cure).toMatch(/^Get a token with these scopes: admin/)
      })
    })
  })

  const initialize = REVISIONS[0]?.first.body

  test.each(['POST', 'GET', 'DELETE'])(
    'a %s of a session that has ended gets 404 that says how sessions are lost',
    async (method) => {
      const endpoint = start()
      const { response } = await send(endpoint, initialize)
      const id = response.headers.get('mcp-session-id') ?? ''
      expect((await send(endpoint, undefined, { 'mcp-session-id': id }, 'DELETE')).status).toBe(204)
      const body = method === 'POST' ? { method: 'tools/list' } : undefined
      const refused = await send(endpoint, body, { 'mcp-session-id': id }, method)
      expect(refused.status).toBe(404)
      const { message, cure } = messageOf(refused)
      expect(message).toMatch(
        /^Session not found: .*SESSION_IDLE_SECONDS.*REDIS_URL.*Send initialize without Mcp-Session-Id\.$/,
      )
      expect(cure).toMatch(/^Connect again: .*REDIS_URL\.$/)
      expect(refused.text).not.toContain(id)
    },
  )

  test('a session of another principal, one that has ended and one that never was get the same words', async () => {
    const endpoint = start({ auth: { issuer: ISSUER, resource: RESOURCE, jwks: signer.keys } })
    const [ada, bob] = [await signer.token(), await signer.token({ sub: 'bob' })].map((token) => ({
      authorization: `Bearer ${token}`,
    }))
    const { response } = await send(endpoint, initialize, ada)
    const id = response.headers.get('mcp-session-id') ?? ''
    const list = { method: 'tools/list' }
    const others = await send(endpoint, list, { ...bob, 'mcp-session-id': id })
    const never = await send(endpoint, list, { ...bob, 'mcp-session-id': `${id}x` })
    await send(endpoint, undefined, { ...ada, 'mcp-session-id': id }, 'DELETE')
    const ended = await send(endpoint, list, { ...ada, 'mcp-session-id': id })
    expect([others.status, never.status, ended.status]).toEqual([404, 404, 404])
    expect(others.text).toBe(never.text)
    expect(ended.text).toBe(never.text)
  })

  test('a request to another path learns where the endpoint is, with the path cut and escaped', async () => {
    const refused = await send(start(), undefined, {}, 'GET', `/${'<b>'.repeat(2_000)}`)
    expect(refused.status).toBe(404)
    const { message, cure } = messageOf(refused)
    expect(message).toMatch(/; the MCP endpoint is \/mcp\.$/)
    expect(message.length).toBeLessThan(1_000)
    expect(cure).toContain('MCP_PATH')
  })
})

test('values that clients choose stay on one line of ASCII, in quotes, however long they are', () => {
  const value = `${HOSTILE}\u202e\u2028\u009b\n\ud83d`.repeat(500)
  for (const text of [
    refusalText('host', value),
    refusalText('origin', value),
    refusalText('nothing', value, '/mcp'),
    refusalText('issuer', value),
    refusalText('audience', [value, value, value, value]),
    refusalText('algorithm', value),
    refusalText('scopes', [value, value], true),
  ]) {
    expect(text).toMatch(/^[\x20-\x7e]+$/)
    expect(text).not.toMatch(/[<>&]/)
    expect(text.length).toBeLessThan(4_500)
  }
})
