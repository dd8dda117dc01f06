/** Tokens in environments that were frozen: the keys that verify them are fetched again over a new connection. */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TcpProxy } from '../store/tcp-proxy.ts'
import { initialize, post, toolCall } from '../support/raw.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'https://mcp.example.com/mcp'

let tests: LambdaTests
beforeAll(async () => {
  tests = await lambdaTests()
})
afterAll(() => tests.stop())

test.each(['cut', 'silently dropped'])(
  'connections to the authorization server that were %s cost no request',
  async (how) => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
    let fetched = 0
    const keys = http.createServer((_req, res) => {
      fetched++
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
    })
    keys.keepAliveTimeout = 0
    await once(keys.listen(0, '127.0.0.1'), 'listening')
    const network = await TcpProxy.start((keys.address() as AddressInfo).port)
    const token = (subject: string) =>
      new SignJWT({ client_id: 'client' })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(privateKey)
    const lambda = await tests.start({
      size: 2,
      env: {
        AUTH_ISSUER: ISSUER,
        AUTH_AUDIENCE: AUDIENCE,
        AUTH_JWKS: network.url.replace('redis:', 'http:'),
        AUTH_INSECURE_HTTP: '1',
      },
    })
    try {
      const headers = { authorization: `Bearer ${await token('ada')}` }
      const session = await initialize(lambda.url, '2025-11-25', {}, headers)
      const called = async () => {
        // An environment works on after its response, and there are two.
        await lambda.quiet()
        return (await post(lambda.url, toolCall(1, 'whoami'), { session, headers })).status
      }
      expect([await called(), await called()]).toEqual([200, 200])
      await lambda.quiet()
      expect((await post(lambda.url, toolCall(1, 'whoami'), { session })).status).toBe(401)
      await lambda.quiet()
      const before = fetched
      // Longer than the endpoint keeps keys.
      for (const environment of lambda.environments) environment.moveClock(20 * 60_000)
      if (how === 'cut') network.reset()
      else network.blackhole()
      expect([await called(), await called(), await called()]).toEqual([200, 200, 200])
      expect(fetched).toBeGreaterThan(before)
      expect(lambda.lost()).toEqual([])
    } finally {
      await lambda.stop()
      await network.close()
      keys.closeAllConnections()
      keys.close()
    }
  },
)
