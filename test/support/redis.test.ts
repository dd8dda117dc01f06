import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Cluster, Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from './ports.ts'
import { startCluster, startRedis } from './redis.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(url: string): Redis {
  const redis = new Redis(url, { retryStrategy: () => 20 })
  redis.on('error', () => undefined)
  cleanups.push(() => redis.disconnect())
  return redis
}

async function redis(options?: Parameters<typeof startRedis>[0]) {
  const server = await startRedis(options)
  cleanups.push(server.stop)
  return { server, redis: client(server.url) }
}

/** Checks the port, since a process that is not reaped yet still exists. */
async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('a Redis server for tests', () => {
  test('answers on a port of its own and ends with stop', async () => {
    const one = await redis()
    const two = await redis()
    await one.redis.set('a', '1')
    expect(await one.redis.get('a')).toBe('1')
    expect(await two.redis.get('a')).toBeNull()
    await one.server.stop()
    expect(await isListening(one.server.port)).toBe(false)
    expect(await two.redis.ping()).toBe('PONG')
  })

  test('listens on the given port', async () => {
    const port = await freePort()
    const { server } = await redis({ port })
    expect(server.url).toBe(`redis://127.0.0.1:${port}`)
  })

  test('reports why it does not start', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow('no-such-option')
  })

  test('answers nothing while paused, and answers pending commands afterwards', async () => {
    const { server, redis: db } = await redis()
    await db.ping()
    server.pause()
    let answered = false
    const answer = db.set('a', '1').finally(() => {
      answered = true
    })
    const impatient = new Redis(server.url, { commandTimeout: 200, maxRetriesPerRequest: 0, retryStrategy: () => null })
    impatient.on('error', () => undefined)
    await expect(impatient.ping()).rejects.toThrow()
    impatient.disconnect()
    expect(answered).toBe(false)
    server.resume()
    expect(await answer).toBe('OK')
  })

  test('loses its data when killed without persistence', async () => {
    const { server, redis: db } = await redis()
    await db.set('a', '1')
    await server.kill()
    await server.restart()
    expect(await db.get('a')).toBeNull()
  })

  test('restores its data from its append-only file', async () => {
    const { server, redis: db } = await redis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await db.set('a', '1')
    const before = server.pid
    await server.restart()
    expect(server.pid).not.toBe(before)
    await db.append('a', '2')
    await server.kill()
    await server.restart()
    expect(await db.get('a')).toBe('12')
  })

  test('ends with the process that started it, also when that is killed', async () => {
    const script = `
      import { startRedis } from ${JSON.stringify(new URL('./redis.ts', import.meta.url).href)}
      const server = await startRedis()
      console.log(server.port)
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = await once(owner.stdout, 'data')
    expect(await isListening(Number(port))).toBe(true)
    owner.kill('SIGKILL')
    await expect.poll(() => isListening(Number(port)), { timeout: 5_000 }).toBe(false)
  })
})

test('a cluster stores and returns keys of every slot', async () => {
  const servers = await startCluster()
  cleanups.push(servers.stop)
  expect(servers.nodes).toHaveLength(3)
  const cluster = new Cluster(servers.nodes.map(({ host, port }) => ({ host, port })))
  cleanups.push(() => cluster.disconnect())
  const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`)
  await Promise.all(keys.map((key) => cluster.set(key, key)))
  expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys)
  const sizes = await Promise.all(servers.urls.map((url) => client(url).dbsize()))
  expect(Math.min(...sizes)).toBeGreaterThan(0)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(keys.length)
})
