/** Signs access tokens for tests, and serves key sets and other JSON documents. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose'

export interface TokenOptions {
  /** Seconds from now; default an hour. */
  expiresIn?: number
  header?: Record<string, unknown>
  key?: CryptoKey | Uint8Array
}

/** Signs tokens of one issuer. */
export class Signer {
  readonly issuer: string
  readonly resource: string
  readonly kid: string
  readonly #key: CryptoKey
  readonly keys: JSONWebKeySet

  private constructor(issuer: string, resource: string, kid: string, key: CryptoKey, keys: JSONWebKeySet) {
    this.issuer = issuer
    this.resource = resource
    this.kid = kid
    this.#key = key
    this.keys = keys
  }

  static async create(
    issuer: string,
    resource: string,
    { alg = 'ES256', kid = 'k1' }: { alg?: string; kid?: string } = {},
  ): Promise<Signer> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
    return new Signer(issuer, resource, kid, privateKey, { keys: [jwk] })
  }

  /** Makes a valid token with the given claims replaced. Undefined removes a claim. */
  token(
    claims: { [claim in keyof JWTPayload]: JWTPayload[claim] | undefined } = {},
    { expiresIn = 3_600, header = {}, key = this.#key }: TokenOptions = {},
  ) {
    const now = Math.floor(Date.now() / 1_000)
    const all = {
      iss: this.issuer,
      aud: this.resource,
      sub: 'ada',
      client_id: 'app',
      iat: now,
      exp: now + expiresIn,
      // Tokens of the same second differ.
      jti: crypto.randomUUID(),
      ...claims,
    }
    const alg = this.keys.keys[0]?.alg ?? 'ES256'
    // Undefined members are left out of the JSON.
    return new SignJWT(all as JWTPayload)
      .setProtectedHeader({ alg, kid: this.kid, typ: 'at+jwt', ...header })
      .sign(key, { crit: { exp2: true } })
  }
}

export interface JsonServer {
  url: string
  /** All requests, in order. */
  requests: { path: string; body: string; headers: Record<string, unknown> }[]
  close(): Promise<void>
}

/** Serves JSON documents on loopback. `answer` returns undefined for 404. */
export async function serveJson(
  answer: (path: string, body: string) => object | undefined | Promise<object | undefined>,
): Promise<JsonServer> {
  const requests: JsonServer['requests'] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    requests.push({ path: req.url ?? '', body, headers: req.headers })
    const document = await answer(req.url ?? '', body)
    res.writeHead(document ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
