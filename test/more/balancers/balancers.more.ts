/**
 * Load balancers with the configurations of infra/: the official clients, streams without a word, rolling updates, and containers
 * that get new addresses. BALANCER_STREAM_SECONDS=300 has streams of five minutes with the times of the files, and a rolling update in
 * the middle of others.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { NodeInstance, nodeBundle } from '../../deploy/node-instance.ts'
import { officialClientTests } from '../../deploy/official.ts'
import { eventually } from '../../support/eventually.ts'
import { callUntilAnswered } from '../../support/persistent-client.ts'
import { freePort } from '../../support/ports.ts'
import { initialize, postStream, toolCall } from '../../support/raw.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { type Balancer, KINDS, type Kind } from './balancers.ts'
import { startNameServer } from './names.ts'
import { announceChange, Listener, openGate, servedBy, Traffic } from './traffic.ts'

/** The seconds of a stream, where somebody asks for long ones. */
const LONG = Number(process.env.BALANCER_STREAM_SECONDS ?? 0)
/** Otherwise: the seconds after which the load balancer closes a silent connection, from one heartbeat to the next, and in all. */
const SHORT = { patience: 4, heartbeat: 1, length: 9 }

const compose = parse(readFileSync(new URL('../../../infra/compose.yaml', import.meta.url), 'utf8'), { merge: true })
const { LAME_DUCK_SECONDS, SHUTDOWN_SECONDS, TRUSTED_PROXIES } = compose['x-instance'].environment

let redis: RedisServer
let bundled: { file: string; remove(): void }
const running = new Set<NodeInstance>()

beforeAll(async () => {
  ;[redis, bundled] = await Promise.all([startRedis(), nodeBundle()])
})
afterAll(async () => {
  await redis.stop()
  bundled.remove()
})
afterEach(async () => {
  await Promise.all([...running].map((instance) => instance.stop()))
  running.clear()
})

/** An instance with the times of compose.yaml. */
async function start(port: number, host = '127.0.0.1', more: Record<string, string> = {}): Promise<NodeInstance> {
  const times = { LAME_DUCK_SECONDS, SHUTDOWN_SECONDS, TRUSTED_PROXIES }
  const env = {
    PORT: `${port}`,
    HOST: host,
    REDIS_URL: redis.url,
    ALLOWED_HOSTS: '127.0.0.1,endpoint',
    ...times,
    ...more,
  }
  const instance = await NodeInstance.start(bundled.file, {
    MCP_SECRET: Buffer.alloc(32, 7).toString('base64'),
    ...env,
  })
  running.add(instance)
  await eventually(async () => ((await fetch(instance.at('/readyz'))).ok ? true : undefined))
  return instance
}

/** Ends an instance as a platform does. */
async function end(instance: NodeInstance): Promise<void> {
  instance.child.kill('SIGTERM')
  expect(await instance.ended(), instance.output.slice(-40).join('\n')).toBe(0)
  running.delete(instance)
}

/** Resolves when each of these instances has got requests. */
async function serving({ url }: Balancer, instances: readonly NodeInstance[]): Promise<void> {
  const missing = new Set(instances.map(({ child }) => child.pid))
  await eventually(async () => {
    missing.delete(await servedBy(url))
    return missing.size === 0 ? true : undefined
  })
}

const portsOf = (instances: readonly NodeInstance[]) => instances.map(({ url }) => url.host)

describe.each(KINDS)('$name with infra/$file', (kind: Kind) => {
  describe('before three instances', () => {
    let balancer: Balancer
    let instances: NodeInstance[]
    beforeAll(async () => {
      instances = await Promise.all([1, 2, 3].map(async () => start(await freePort())))
      running.clear()
      balancer = await kind.start(portsOf(instances))
      await serving(balancer, instances)
    })
    afterAll(async () => {
      await balancer.stop()
      await Promise.all(instances.map((instance) => instance.stop()))
    })

    officialClientTests(() => balancer)
  })

  test('keeps a stream on which nothing but heartbeats are sent', { timeout: (LONG + 120) * 1_000 }, async () => {
    const instance = await start(
      await freePort(),
      '127.0.0.1',
      LONG > 0 ? {} : { HEARTBEAT_SECONDS: `${SHORT.heartbeat}` },
    )
    const balancer = await kind.start(portsOf([instance]), (text) =>
      LONG > 0 ? text : kind.impatient(text, SHORT.patience),
    )
    onTestFinished(() => balancer.stop())
    await serving(balancer, [instance])
    const session = await initialize(balancer.url)
    // Without a progress token: with one, the endpoint would report progress of its own from time to time.
    const stream = await postStream(balancer.url, toolCall(1, 'gated', { gate: kind.name }), { session })
    // How long a stream says nothing is what this test is about.
    await sleep((LONG || SHORT.length) * 1_000)
    await openGate(balancer.url, session, kind.name)
    const rest = await stream.rest()
    expect(stream.broken).toBe(false)
    expect(rest.map(({ result }) => result?.content[0].text)).toEqual([expect.stringContaining('through')])
    expect(stream.comments).toBeGreaterThan(1)
  })

  test('fails no request of 2,000, and no stream, while four instances are replaced one after the other', {
    timeout: (LONG + 300) * 1_000,
  }, async () => {
    const ports = await Promise.all([1, 2, 3, 4].map(() => freePort()))
    const instances = await Promise.all(ports.map((port) => start(port)))
    const balancer = await kind.start(portsOf(instances))
    onTestFinished(() => balancer.stop())
    await serving(balancer, instances)

    const listeners = await Promise.all([1, 2, 3, 4, 5, 6].map(() => Listener.start(balancer.url)))
    const session = await initialize(balancer.url)
    const gate = `${kind.name} rolls`
    const call = callUntilAnswered(
      balancer.url,
      session,
      (id) => toolCall(id, 'gated_rerunnable', { gate }, { progressToken: id }),
      'call',
    )

    // Where streams are long, the update is in the middle of them.
    await sleep(LONG * 500)
    const traffic = new Traffic(balancer.url)
    for (const [i, port] of ports.entries()) {
      await end(instances[i] as NodeInstance)
      instances[i] = await start(port)
      await serving(balancer, [instances[i]])
    }
    await traffic.reaches(2_000)
    await traffic.stop()
    expect(traffic.failures, balancer.errors()).toEqual([])
    expect(traffic.requests).toBeGreaterThanOrEqual(2_000)
    await sleep(LONG * 500)

    // The call has moved from instance to instance, and its client has repeated nothing.
    await openGate(balancer.url, session, gate)
    const { finals, repeats, resumes } = await call
    expect(finals.map(({ result, error }) => error ?? result.content[0].text)).toEqual([
      expect.stringContaining(`through ${gate}`),
    ])
    expect([repeats, resumes > 0]).toEqual([0, true])

    await announceChange(balancer.url)
    await eventually(async () => (listeners.every(({ changes }) => changes > 0) ? true : undefined))
    for (const listener of listeners) await listener.stop()
    expect(listeners.flatMap(({ failures }) => failures)).toEqual([])
    expect(listeners.map(({ changes }) => changes)).toEqual(listeners.map(() => 1))
    expect(listeners.reduce((sum, { ended }) => sum + ended, 0)).toBeGreaterThan(0)
    console.log(`${kind.name}: ${traffic.requests} requests`)
  })

  test('follows a container that is replaced and has another address, and loses no request', {
    timeout: 120_000,
  }, async () => {
    const names = await startNameServer()
    onTestFinished(() => names.stop())
    const port = await freePort()
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
    const publish = () => {
      for (const [i, address] of addresses.entries()) names.set(`mcp-${i + 1}`, ...(address === '' ? [] : [address]))
      names.set('mcp', ...addresses.filter((address) => address !== ''))
    }
    publish()
    const instances = await Promise.all(addresses.map((address) => start(port, address)))
    const balancer = await kind.start({ resolver: names.address, port })
    onTestFinished(() => balancer.stop())
    await serving(balancer, instances)

    const traffic = new Traffic(balancer.url)
    await traffic.reaches(100)
    await end(instances[0] as NodeInstance)
    // Docker forgets the name until the new container runs.
    addresses[0] = ''
    publish()
    await traffic.reaches(0)
    instances[0] = await start(port, '127.0.0.5')
    addresses[0] = '127.0.0.5'
    publish()
    await serving(balancer, instances)
    await traffic.reaches(0)
    await traffic.stop()
    expect(traffic.failures, balancer.errors()).toEqual([])
  })
})
