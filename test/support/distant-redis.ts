/** Each kind of Redis at a distance, for what its first answer waits for. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { RedisStoreOptions } from '../../lib/store/redis/index.ts'
import { makeAuthority } from './certificates.ts'
import { Distance } from './distance.ts'
import { type RedisServer, startCluster, startRedis } from './redis.ts'

export interface DistantRedis {
  distance: Distance
  options: RedisStoreOptions
  stop(): Promise<void>
}

/** A server with a password. */
export async function distantServer(path = ''): Promise<DistantRedis> {
  const [distance, server] = [new Distance(), await startRedis({ args: ['--requirepass', 'pw'] })]
  const port = await distance.proxy(server.port)
  return withStop(distance, [server], { url: `redis://:pw@127.0.0.1:${port}${path}` })
}

export async function distantTlsServer(): Promise<DistantRedis> {
  const authority = makeAuthority()
  const { cert, key } = authority.issue('localhost', '-addext', 'subjectAltName=DNS:localhost')
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.ca]
  const server = await startRedis({ args: [...files, '--tls-auth-clients', 'no'] })
  const admin = new Redis(server.url)
  // Any free port: the server takes it at once.
  const distance = new Distance()
  const tlsPort = server.port + 1
  await admin.config('SET', 'tls-port', String(tlsPort))
  admin.disconnect()
  const port = await distance.proxy(tlsPort)
  const ca = readFileSync(authority.ca, 'utf8')
  authority.remove()
  return withStop(distance, [server], { url: `rediss://localhost:${port}`, tls: { ca } })
}

/** A cluster whose nodes give each other's addresses with the ports of the proxies. */
export async function distantCluster(scheme: string): Promise<DistantRedis> {
  const authority = scheme.startsWith('rediss') ? makeAuthority() : undefined
  const tls = authority && {
    ca: authority.ca,
    ...authority.issue('localhost', '-addext', 'subjectAltName=DNS:localhost'),
  }
  const { nodes, tlsPorts } = await startCluster(tls && { tls })
  const distance = new Distance()
  const ports = await Promise.all(nodes.map(({ port }, i) => distance.proxy(tlsPorts[i] ?? port)))
  const ca = authority && readFileSync(authority.ca, 'utf8')
  // A newer server names the ports for TLS only to who asks by TLS.
  const admins = nodes.map(({ url }, i) =>
    ca === undefined ? new Redis(url) : new Redis({ host: 'localhost', port: tlsPorts[i] as number, tls: { ca } }),
  )
  const name = tls ? 'cluster-announce-tls-port' : 'cluster-announce-port'
  await Promise.all(admins.map((admin, i) => admin.config('SET', name, String(ports[i]))))
  // Each node has to hear it from the others.
  const knows = async (admin: Redis) => {
    const text = String(await admin.call('CLUSTER', 'NODES'))
    return ports.every((port) => text.includes(String(port)))
  }
  while (!(await Promise.all(admins.map(knows))).every(Boolean)) await sleep(20)
  for (const admin of admins) admin.disconnect()
  authority?.remove()
  const host = tls ? 'localhost' : '127.0.0.1'
  return withStop(distance, nodes, { url: `${scheme}://${host}:${ports[0]}`, ...(ca !== undefined && { tls: { ca } }) })
}

/** A primary and the Sentinel that names it. */
export async function distantSentinel(): Promise<DistantRedis> {
  const [distance, server] = [new Distance(), await startRedis({ args: ['--requirepass', 'pw'] })]
  const primary = await distance.proxy(server.port)
  const lines = [`sentinel monitor main 127.0.0.1 ${primary} 1`, 'sentinel auth-pass main pw']
  const sentinel = await startRedis({ sentinel: lines })
  const port = await distance.proxy(sentinel.port)
  return withStop(distance, [server, sentinel], { url: `redis+sentinel://:pw@127.0.0.1:${port}/main` })
}

function withStop(distance: Distance, servers: readonly RedisServer[], options: RedisStoreOptions): DistantRedis {
  return {
    distance,
    options,
    async stop() {
      await distance.close()
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}
