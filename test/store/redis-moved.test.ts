/** A cluster whose node does not say that it is one: it has no HELLO, its user has no INFO, and it only replies MOVED. */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { clusterOptions } from '../../lib/store/redis/many-servers.ts'
import { freePort } from '../support/ports.ts'
import { MINUTE, newKey } from './contract/support.ts'
import { redisFixture } from './redis-fixture.ts'

const f = redisFixture()

let node: Server | undefined
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  node?.close()
})

/** The node. All keys are at the real server. */
async function startNode(): Promise<number> {
  const { port } = f.server
  const replies: Record<string, string> = {
    hello: "-ERR unknown command 'HELLO'\r\n",
    info: "-NOPERM this user has no permissions to run the 'info' command\r\n",
    cluster: `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:${port}\r\n`,
  }
  node = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const [, name = ''] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        socket.write(replies[name.toLowerCase()] ?? `-MOVED 1 127.0.0.1:${port}\r\n`)
      }
    })
  })
  const own = await freePort()
  await new Promise<void>((resolve) => node?.listen(own, '127.0.0.1', resolve))
  return own
}

test('is found by its MOVED', async () => {
  const store = f.open({ url: `redis://127.0.0.1:${await startNode()}` })
  store.serve?.('notes')
  const key = newKey()
  expect(await store.createSession(key, 'r', MINUTE)).toEqual({ status: 'ok' })
  expect(await store.readSession(key, MINUTE)).toMatchObject({ record: 'r' })
  expect(await f.admin.exists(`mcp:{${key}}`)).toBe(1)
})

test('the names of nodes are left to the connection, which checks certificates for them', () => {
  const found: unknown[] = []
  const { dnsLookup } = clusterOptions({ backoff: () => 1, retryDelay: 0, redisOptions: {} })
  dnsLookup('node.example', (...given) => found.push(given))
  expect(found).toEqual([[null, 'node.example']])
})
