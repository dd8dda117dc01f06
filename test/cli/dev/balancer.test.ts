/** The round robin of `dev`, in front of plain HTTP servers. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Balancer, type Target } from '../../../lib/cli/dev/balancer.ts'

let folder: string
let balancer: Balancer
let port: number
const servers: Server[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'balancer-'))
  balancer = new Balancer()
  port = await balancer.listen(0, '127.0.0.1')
})
afterEach(() => {
  balancer.close()
  for (const server of servers.splice(0)) server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

async function target(listener: RequestListener): Promise<Target> {
  const socket = join(folder, `${servers.length}.sock`)
  const server = createServer(listener).listen(socket)
  await once(server, 'listening')
  servers.push(server)
  return { socket }
}

const named = (name: string) => target((_request, response) => response.end(name))
const get = async (path = '/mcp') => (await fetch(`http://127.0.0.1:${port}${path}`)).text()

function open(headers: Record<string, string> = {}) {
  const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/mcp', headers })
  const answer = once(sent, 'response').then(([response]) => response as IncomingMessage)
  return { sent, answer }
}

test('sends requests to each in turn', async () => {
  balancer.use([await named('a'), await named('b')])
  expect([await get(), await get(), await get(), await get()].join('')).toMatch(/^(abab|baba)$/)
})

test('passes on each part of a response as it is written, its head first', async () => {
  let write = (_text: string) => {}
  balancer.use([
    await target((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      write = (part) => void response.write(part)
    }),
  ])
  const { sent, answer } = open()
  sent.end()
  const response = await answer
  for (const part of ['data: 1\n\n', 'data: 2\n\n']) {
    write(part)
    expect(String((await once(response, 'data'))[0])).toBe(part)
  }
  sent.destroy()
})

test('passes on each part of a body as it is sent', async () => {
  const parts: string[] = []
  let arrived = () => {}
  balancer.use([
    await target(async (incoming, response) => {
      for await (const part of incoming) {
        parts.push(String(part))
        arrived()
      }
      response.end(parts.join('+'))
    }),
  ])
  const { sent, answer } = open()
  for (const part of ['one', 'two']) {
    const there = new Promise<void>((resolve) => (arrived = resolve))
    sent.write(part)
    await there
  }
  sent.end()
  expect(await text(await answer)).toBe('one+two')
})

test('ends the request at the instance when the client disconnects', async () => {
  let closed = new Promise<unknown>(() => {})
  balancer.use([
    await target((_request, response) => {
      closed = once(response, 'close')
      response.writeHead(200).flushHeaders()
    }),
  ])
  const { sent, answer } = open()
  sent.end()
  await answer
  sent.on('error', () => {})
  sent.destroy()
  await closed
})

test('breaks a response that the instance breaks', async () => {
  balancer.use([
    await target((_request, response) => {
      response.writeHead(200)
      response.write('half', () => response.destroy())
    }),
  ])
  await expect(get()).rejects.toThrow()
})

test('hands on the headers, the host included, but for those of the connection, and adds the address', async () => {
  balancer.use([await target(({ headers }, response) => response.end(JSON.stringify(headers)))])
  const { sent, answer } = open({ 'X-Forwarded-For': '10.1.2.3', 'X-Own': 'yes', Connection: 'close', TE: 'trailers' })
  sent.end('{}')
  const headers = JSON.parse(await text(await answer)) as Record<string, string>
  expect(headers).toMatchObject({ host: `127.0.0.1:${port}`, 'x-own': 'yes' })
  expect(headers['x-forwarded-for']).toMatch(/^10\.1\.2\.3, (::ffff:)?127\.0\.0\.1$/)
  expect(headers.te).toBeUndefined()
  expect(headers.connection).not.toBe('close')
})

test('gives a request to the next instance where one cannot be reached', async () => {
  balancer.use([{ socket: join(folder, 'none.sock') }, await named('b')])
  expect([await get(), await get()]).toEqual(['b', 'b'])
})

test('holds a request until there is an instance', async () => {
  const { sent, answer } = open({ Expect: '100-continue' })
  sent.flushHeaders()
  await once(sent, 'continue')
  balancer.use([await named('a')])
  sent.end()
  expect(await text(await answer)).toBe('a')
})

test('answers in JSON-RPC where there is none, and where an instance ends', async () => {
  balancer.refuse('It does not start.')
  const refused = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', body: '{}' })
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32603, message: 'It does not start.' } })
  balancer.use([await target(({ socket }) => socket.destroy())])
  const broken = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', body: '{}' })
  expect(broken.status).toBe(502)
  expect(await broken.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32603 } })
})
