/** Redis over TLS, with a user that has only the rights that the endpoint needs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Certificates, makeAuthority } from '../support/certificates.ts'
import { freePort } from '../support/ports.ts'
import { call, getStream, initialize, post, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/** The rights that docs/security.md recommends. */
const ACL = 'on >s3cret ~mcp:* resetchannels -@all +@read +@write +@scripting +@connection -@dangerous +info +time'

let authority: Certificates
let redis: RedisServer
let instances: { one: Started; two: Started; distrustful: Started; intruder: Started }

beforeAll(async () => {
  authority = makeAuthority()
  const { cert, key } = authority.issue('localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  const tlsPort = await freePort()
  const tls = ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no', '--tls-ca-cert-file', authority.ca]
  const files = ['--tls-cert-file', cert, '--tls-key-file', key]
  redis = await startRedis({ args: [...tls, ...files, '--user', 'mcp', ...ACL.split(' ')] })
  const at = (password: string) => `rediss://mcp:${password}@localhost:${tlsPort}`
  const trust = { NODE_EXTRA_CA_CERTS: authority.ca }
  const [one, two, distrustful, intruder] = await Promise.all([
    start(at('s3cret'), trust),
    start(at('s3cret'), trust),
    start(at('s3cret')),
    start(at('wrong'), trust),
  ])
  instances = { one, two, distrustful, intruder }
})
afterAll(async () => {
  await Promise.all(Object.values(instances ?? {}).map((instance) => instance.stop()))
  await redis?.stop()
  authority?.remove()
})

interface Started {
  url: string
  errors: string[]
  stop(): Promise<void>
}

async function start(redisUrl: string, env: Record<string, string> = {}): Promise<Started> {
  const instance = new URL('../support/instance.ts', import.meta.url).pathname
  const options = { http: {}, session: {} }
  const child = spawn(process.execPath, [instance], {
    env: { ...process.env, ...env, INSTANCE: JSON.stringify({ redisUrl, options }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  let url = ''
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening (\d+)$/.exec(line)?.[1]
    if (port) url = `http://127.0.0.1:${port}/mcp`
    if (url) break
  }
  if (url === '') throw new Error(`The instance did not start:\n${errors.join('\n')}`)
  return {
    url,
    errors,
    stop: async () => {
      process.removeListener('exit', die)
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

test('everything works over TLS as a user with the rights that the documentation names', async () => {
  const { one, two } = instances
  const session = await initialize(one.url)
  expect((await call(two.url, session, toolCall(1, 'count_session'))).result.content[0].text).toBe('1')
  expect(
    (await call(one.url, session, toolCall(2, 'user_set', { name: 'n', value: 'v' }))).result.isError,
  ).toBeUndefined()
  expect(
    (await call(two.url, session, request(3, 'resources/subscribe', { uri: 'test://watched-resource' }))).result,
  ).toEqual({})
  const stream = await getStream(two.url, session)
  await call(one.url, session, toolCall(4, 'announce', { what: 'resource' }))
  await stream.until(({ method }) => method === 'notifications/resources/updated')
  const progress = await post(one.url, toolCall(5, 'progress', { n: 3, delayMs: 1 }, { progressToken: 1 }), { session })
  expect(await progress.text()).toContain('done 3')
  stream.drop()
  const ended = await fetch(one.url, { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
  expect(ended.status).toBe(204)
  expect([...one.errors, ...two.errors]).toEqual([])
})

test.each([
  ['a certificate that nobody vouches for', 'distrustful'],
  ['a wrong password', 'intruder'],
] as const)('%s is 503, and says nothing of where Redis is', async (_what, name) => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await post(instances[name].url, request(0, 'initialize', params))
  expect(response.status).toBe(503)
  expect(await response.text()).not.toMatch(/localhost|s3cret|wrong|certificate|redis/i)
})
