/** Many requests: unused sessions leave nothing, and a client over its rate does not disturb other clients. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { server } from '../fixtures/everything.ts'
import { Signer } from '../support/authorization.ts'
import { eventually } from '../support/eventually.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const RESOURCE = 'https://mcp.example/mcp'
let redis: RedisServer
let admin: Redis
let endpoints: Endpoint[] = []

beforeAll(async () => {
  redis = await startRedis()
  admin = new Redis(redis.url)
})
afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  endpoints = []
})
afterAll(async () => {
  admin.disconnect()
  await redis.stop()
})

function start(size: number, options: EndpointOptions): void {
  const keys = [Buffer.alloc(32, 'a key for tests')]
  endpoints = Array.from({ length: size }, () =>
    createEndpoint(server, { keys, ...options, store: redisStore(redis.url) }),
  )
}

function send(at: number, body: object, token?: string): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    accept: ACCEPT_BOTH,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  const made = new Request(RESOURCE, { method: 'POST', headers, body: JSON.stringify(body) })
  return Promise.resolve((endpoints[at] as Endpoint).fetch(made))
}

const INITIALIZE = request(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'walks away', version: '1' },
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function heap(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

async function initialize(times: number): Promise<void> {
  let left = times
  const worker = async () => {
    while (left-- > 0) {
      const response = await send(0, INITIALIZE)
      if (response.status !== 200) throw new Error(`initialize answered ${response.status}`)
      await response.text()
    }
  }
  await Promise.all(Array.from({ length: 50 }, worker))
}

test('10,000 sessions that are opened and not used leave no key and no memory', { timeout: 120_000 }, async () => {
  start(1, { session: { firstLifetime: 2_000 } })
  await initialize(500)
  const before = heap()
  await initialize(10_000)
  expect(heap() - before).toBeLessThan(8 * 1024 * 1024)
  expect(endpoints[0]?.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
  // The name of the server, which has a longer lifetime, is no session's.
  await eventually(async () => ((await admin.keys('*')).every((key) => key === 'mcp:server') ? true : undefined))
})

test('a client that sends three times its rate gets 429, and other clients are served', {
  timeout: 60_000,
}, async () => {
  const signer = await Signer.create('https://as.example', RESOURCE)
  const rate = { perSecond: 100, burst: 100 }
  const auth = { issuer: signer.issuer, resource: RESOURCE, jwks: signer.keys }
  start(3, { auth, http: { principalRate: rate } })
  const [loud, ordinary] = [await signer.token({ sub: 'loud' }), await signer.token({ sub: 'ordinary' })]
  const statuses = { loud: new Map<number, number>(), ordinary: new Map<number, number>() }
  const count = (who: Map<number, number>, status: number) => who.set(status, (who.get(status) ?? 0) + 1)
  const ping = request(1, 'ping')
  const began = Date.now()
  const SECONDS = 4
  let turn = 0
  const attack = async () => {
    const pending: Promise<void>[] = []
    for (let sent = 0; sent < 3 * rate.perSecond * SECONDS; sent++) {
      pending.push(
        send(turn++ % 3, ping, loud).then(async (response) => {
          count(statuses.loud, response.status)
          if (response.status === 429) expect(response.headers.get('retry-after')).toBe('1')
          await response.text()
        }),
      )
      if (sent % 30 === 29) await sleep(100)
    }
    await Promise.all(pending)
  }
  const work = async () => {
    for (let done = 0; done < 10 * SECONDS; done++) {
      const response = await send(turn++ % 3, ping, ordinary)
      count(statuses.ordinary, response.status)
      await response.text()
      await sleep(100)
    }
  }
  await Promise.all([attack(), work()])
  const seconds = (Date.now() - began) / 1_000
  expect([...statuses.ordinary.keys()]).toEqual([200])
  expect([...statuses.loud.keys()].sort()).toEqual([200, 429])
  // All instances together: the limit, and a few more that pass before the instances have exchanged their counts.
  expect(statuses.loud.get(200)).toBeLessThan((rate.burst + rate.perSecond * seconds) * 1.5)
})
