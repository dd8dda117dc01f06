/** The end of a Node process: the lame duck, the drain, and what clients notice of them. */
import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { call, getStream, initialize, post, postStream, type RawSession, toolCall } from '../support/raw.ts'
import { startRedis } from '../support/redis.ts'
import { fromSeconds } from '../support/spread.ts'
import type { NodeInstance } from './node-instance.ts'
import { redis, start } from './node-instances.ts'

async function ready(instance: NodeInstance): Promise<[number, string]> {
  const response = await fetch(instance.at('/readyz'), { headers: { connection: 'close' } })
  return [response.status, await response.text()]
}

/** For tests that end the lame duck themselves. */
const LONG = { LAME_DUCK_SECONDS: '60', SHUTDOWN_SECONDS: '70' }

describe('/readyz', () => {
  test('is 503 before the first contact with Redis, 200 "degraded" while Redis is away, and one word', async () => {
    const [instance, strict] = await Promise.all([start(), start({ READY_NEEDS_STORE: '1' })])
    await eventually(async () => ((await ready(instance)).join() === '200,ok' ? true : undefined))
    await eventually(async () => ((await ready(strict)).join() === '200,ok' ? true : undefined))
    redis.pause()
    await eventually(async () => ((await ready(instance)).join() === '200,degraded' ? true : undefined))
    await eventually(async () => ((await ready(strict)).join() === '503,degraded' ? true : undefined))
    const late = await start()
    expect(await ready(late)).toEqual([503, 'starting'])
    redis.resume()
    for (const one of [instance, strict, late]) {
      await eventually(async () => ((await ready(one)).join() === '200,ok' ? true : undefined))
    }
  })

  test('is 503 "alone" where Redis lets everybody in but this instance, for a lease', async () => {
    const own = await startRedis()
    try {
      const instance = await start({ REDIS_URL: own.url, LEASE_SECONDS: '1' })
      await eventually(async () => ((await ready(instance)).join() === '200,ok' ? true : undefined))
      const { Redis } = await import('ioredis')
      const admin = new Redis(own.url)
      // The password changes, and this instance has to connect again.
      await admin.config('SET', 'requirepass', 'new')
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await eventually(async () => ((await ready(instance)).join() === '503,alone' ? true : undefined))
      await admin.config('SET', 'requirepass', '')
      await eventually(async () => ((await ready(instance)).join() === '200,ok' ? true : undefined))
      admin.disconnect()
    } finally {
      await own.stop()
    }
  })
})

const headersOf = ({ id, version }: RawSession) => ({ 'mcp-session-id': id, 'mcp-protocol-version': version })

/** One request on a connection of `agent`: the status, and whether the connection goes on. */
function ask(agent: Agent, url: URL, session: RawSession | undefined): Promise<{ status: number; keeps: boolean }> {
  return new Promise((resolve, reject) => {
    const body = session ? JSON.stringify(toolCall(1, 'echo', { message: 'x' })) : undefined
    const headers = session
      ? { ...headersOf(session), 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      : {}
    const sent = httpRequest(url, { agent, method: body ? 'POST' : 'GET', headers }, (response) => {
      response.resume()
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, keeps: response.headers.connection !== 'close' }),
      )
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

test('twenty shutdowns under load on kept-alive connections: no request is reset, refused or fails', async () => {
  const CLIENTS = 16
  const stay = await start()
  const session = await initialize(stay.url)
  const failures: string[] = []
  let served = 0
  for (let round = 0; round < 20; round++) {
    const leaves = await start({ LAME_DUCK_SECONDS: '0.3', SHUTDOWN_SECONDS: '20' })
    let over = false
    // As behind a load balancer: the connections to an instance that closes them are not opened again.
    const clients = Array.from({ length: CLIENTS }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      let url = leaves.url
      while (!over) {
        try {
          const { status, keeps } = await ask(agent, url, session)
          served++
          if (status !== 200) failures.push(`${status}`)
          if (!keeps && url === leaves.url) url = stay.url
        } catch (error) {
          failures.push(String(error))
          url = stay.url
        }
      }
      agent.destroy()
    })
    const before = served
    await eventually(async () => (served > before + 2 * CLIENTS ? true : undefined))
    leaves.child.kill('SIGTERM')
    expect(await leaves.ended()).toBe(0)
    over = true
    await Promise.all(clients)
  }
  expect(failures).toEqual([])
  expect(served).toBeGreaterThan(20 * CLIENTS)
}, 120_000)

test('a lame duck serves new connections and closes them, and tells /readyz that it leaves', async () => {
  const instance = await start(LONG)
  const session = await initialize(instance.url)
  const idle = new Agent({ keepAlive: true, maxSockets: 1 })
  expect((await ask(idle, instance.url, session)).keeps).toBe(true)
  instance.child.kill('SIGTERM')
  await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
  expect(await ask(idle, instance.url, session)).toEqual({ status: 200, keeps: false })
  expect(await ask(idle, instance.url, session)).toEqual({ status: 200, keeps: false })
  expect(await ask(idle, instance.at('/healthz'), undefined)).toEqual({ status: 200, keeps: false })
  // The second signal ends the lame duck.
  instance.child.kill('SIGTERM')
  expect(await instance.ended()).toBe(0)
  idle.destroy()
})

test('a response whose head was not sent when SIGTERM came closes its connection', async () => {
  const instance = await start(LONG)
  const session = await initialize(instance.url)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const running = new Promise<string | undefined>((resolve, reject) => {
    const headers = { ...headersOf(session), 'content-type': 'application/json', accept: 'application/json' }
    const sent = httpRequest(instance.url, { agent, method: 'POST', headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.headers.connection))
    })
    sent.once('error', reject)
    sent.end(JSON.stringify(toolCall(1, 'gated', { gate: 'head' })))
  })
  await eventually(async () => {
    const { log } = instance
    await call(instance.url, session, toolCall(2, 'echo', { message: 'x' }))
    return log.some(({ method }) => method === 'tools/call') ? true : undefined
  })
  instance.child.kill('SIGTERM')
  await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
  await call(instance.url, session, toolCall(3, 'user_set', { name: 'gate:head', value: 'open' }))
  expect(await running).toBe('close')
  agent.destroy()
})

function open(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** A POST as it is on the wire. */
function request(session: RawSession, message: object): string {
  const body = JSON.stringify(message)
  const accept = 'application/json, text/event-stream'
  const headers = { ...headersOf(session), host: 'localhost', accept, 'content-type': 'application/json' }
  const lines = Object.entries({ ...headers, 'content-length': body.length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

test('a stream that ends in the lame duck closes its connection', async () => {
  const instance = await start(LONG)
  const session = await initialize(instance.url)
  const socket = await open(instance.url)
  let seen = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    seen += chunk
  })
  socket.write(request(session, toolCall(1, 'gated', { gate: 'stream' }, { progressToken: 1 })))
  await eventually(async () => (seen.includes('at the gate') ? true : undefined))
  instance.child.kill('SIGTERM')
  await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
  await call(instance.url, session, toolCall(2, 'user_set', { name: 'gate:stream', value: 'open' }))
  // Its head has said that the connection is kept.
  await new Promise((resolve) => socket.once('end', resolve))
  expect(seen).toMatch(/^connection: keep-alive\r$/im)
  expect(seen).toMatch(/through stream[\s\S]*\r\n0\r\n\r\n$/)
  socket.destroy()
})

test('connections that wait to be accepted at the end of the lame duck are served', async () => {
  const instance = await start(LONG)
  const session = await initialize(instance.url)
  instance.child.kill('SIGTERM')
  await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
  // As on a machine without CPU: the kernel accepts, and the process does not yet.
  instance.child.kill('SIGSTOP')
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(instance.url)))
  const responses = sockets.map(async (socket, i) => {
    let seen = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      seen += chunk
    })
    socket.write(request(session, { jsonrpc: '2.0', id: i, method: 'ping' }))
    await new Promise((resolve) => socket.once('close', resolve))
    return seen.split('\r\n')[0]
  })
  instance.child.kill('SIGTERM')
  instance.child.kill('SIGCONT')
  expect(await Promise.all(responses)).toEqual(sockets.map(() => 'HTTP/1.1 200 OK'))
  expect(await instance.ended()).toBe(0)
})

/**
 * A request that arrives `after` ms after the end of the lame duck: on a connection that is `idle` since before SIGTERM, or on a new
 * one, where a part of it arrives in the lame duck.
 */
async function sendLate(idle: boolean): Promise<{ seen: string; after: number }> {
  const instance = await start(LONG)
  const session = await initialize(instance.url)
  let seen = ''
  const opened = async () => {
    const socket = await open(instance.url)
    socket.setEncoding('utf8').on('data', (chunk) => {
      seen += chunk
    })
    return socket
  }
  const kept = idle ? await opened() : undefined
  if (kept) {
    kept.write(request(session, toolCall(1, 'echo', { message: 'before' })))
    await eventually(async () => seen.includes('before') || undefined)
  }
  instance.child.kill('SIGTERM')
  await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
  const socket = kept ?? (await opened())
  const text = request(session, toolCall(1, 'echo', { message: 'just in time' }))
  const begun = idle ? 0 : 20
  socket.write(text.slice(0, begun))
  await ready(instance)
  const sent = performance.now()
  instance.child.kill('SIGTERM')
  const refused = eventually(async () => open(instance.url).then((late) => void late.destroy()))
  // The system resets a connection that it has not handed over when the process stops listening.
  await expect(refused).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
  socket.write(text.slice(begun))
  const after = performance.now() - sent
  await new Promise((resolve) => socket.once('close', resolve))
  expect(await instance.ended()).toBe(0)
  return { seen, after }
}

test.each([
  ['just after its connection', false],
  ['on a connection that was idle', true],
])('a request that arrives %s, when the drain is due, is served', async (_what, idle) => {
  let late = await sendLate(idle)
  // On a busy machine this process may be too late itself.
  while (late.after > 300) late = await sendLate(idle)
  expect(late.seen).toMatch(/^HTTP\/1\.1 200 [\s\S]*just in time/)
})

test.each([
  ['SIGINT', {}],
  ['SIGTERM', { NODE_ENV: 'development' }],
] as const)('%s with %o skips the lame duck', async (signal, env) => {
  const instance = await start({ ...LONG, ...env })
  await initialize(instance.url)
  instance.child.kill(signal)
  expect(await instance.ended()).toBe(0)
})

test('connections that carried no byte, half a head or half a body hold up no shutdown', async () => {
  const instance = await start()
  const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n'
  const sockets = await Promise.all(
    ['', 'POST /mcp HT', `${head}{"half`].map(async (text) => {
      const socket = await open(instance.url)
      socket.on('error', () => {})
      socket.write(text)
      return socket
    }),
  )
  await call(instance.url, await initialize(instance.url), toolCall(1, 'echo', { message: 'x' }))
  instance.child.kill('SIGTERM')
  // After SHUTDOWN_SECONDS it would exit with 1.
  expect(await instance.ended()).toBe(0)
  for (const socket of sockets) socket.destroy()
})

/** Stops a process for a while, as a machine without CPU does. Its clock goes on. */
async function starve(instance: NodeInstance, ms: number): Promise<void> {
  instance.child.kill('SIGSTOP')
  await sleep(ms)
  instance.child.kill('SIGCONT')
}

describe('a process that gets no CPU for a while after SIGTERM', () => {
  test('gives its calls less time, and still hands them over before the whole time is over', async () => {
    const other = await start()
    // The calls would have 1.6 s: with the second and a half that is lost they would end after the whole.
    const instance = await start({ LAME_DUCK_SECONDS: '0.4', SHUTDOWN_SECONDS: '3' })
    const session = await initialize(instance.url)
    const stream = await postStream(
      instance.url,
      toolCall(1, 'gated_rerunnable', { gate: 'starved' }, { progressToken: 1 }),
      {
        session,
      },
    )
    await stream.message()
    // A load balancer keeps such connections, and the process keeps them for it.
    const idle = new Agent({ keepAlive: true, maxSockets: 1 })
    await ask(idle, instance.url, session)
    instance.child.kill('SIGTERM')
    await eventually(async () => ((await ready(instance)).join() === '503,leaving' ? true : undefined))
    await starve(instance, 1_500)
    expect(await instance.ended(), instance.output.join('\n')).toBe(0)
    idle.destroy()
    await call(other.url, session, toolCall(2, 'user_set', { name: 'gate:starved', value: 'open' }))
    const rest = await (await getStream(other.url, session, stream.lastId)).rest()
    expect(rest.at(-1)?.result.content[0].text).toContain('through starved')
  })

  test('exits with 0 where only connections without a request are left when the time is over', async () => {
    const instance = await start({ SHUTDOWN_SECONDS: '2' })
    await initialize(instance.url)
    // It holds the end up for a moment.
    const half = await open(instance.url)
    half.on('error', () => {})
    half.write('POST /mcp HT')
    await ready(instance)
    instance.child.kill('SIGTERM')
    await eventually(async () => instance.log.some(({ message }) => message === 'Shut down.') || undefined)
    await starve(instance, 2_000)
    expect(await instance.ended(), instance.output.join('\n')).toBe(0)
    half.destroy()
  })
})

/** A call whose response is larger than what the system takes in for a client that reads nothing. Its first bytes have arrived. */
async function callLarge(instance: NodeInstance): Promise<Socket> {
  const session = await initialize(instance.url)
  const socket = await open(instance.url)
  const begun = new Promise((resolve) => socket.once('readable', resolve))
  socket.write(request(session, toolCall(1, 'large', { bytes: LARGE })))
  await begun
  return socket
}
const LARGE = 10_000_000

test.each([
  ['after a lame duck', { LAME_DUCK_SECONDS: '0.3' }],
  ['without one', {}],
])('a response that its client reads slowly is sent to its last byte, %s', async (_what, env) => {
  const instance = await start({ SHUTDOWN_SECONDS: '60', ...env })
  const socket = await callLarge(instance)
  instance.child.kill('SIGTERM')
  await eventually(async () => instance.log.some(({ message }) => message === 'Shut down.') || undefined)
  // Meanwhile connections without a request are closed, again and again.
  await sleep(200)
  let bytes = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) bytes += chunk.length
  expect(bytes).toBeGreaterThan(LARGE)
  expect(await instance.ended()).toBe(0)
})

test('a response that has not been sent when the time is over is reported, and the exit code is 1', async () => {
  const instance = await start({ SHUTDOWN_SECONDS: '1.5' })
  const socket = await callLarge(instance)
  instance.child.kill('SIGTERM')
  expect(await instance.ended()).toBe(1)
  expect(instance.output.join('\n')).toMatch(
    /The 1\.5 s from SIGTERM on \(SHUTDOWN_SECONDS\) are over: 1 of its responses/,
  )
  socket.destroy()
})

test('a GET that arrives in the drain is 503 with Retry-After and a closed connection, and never meets a closed store', async () => {
  const instance = await start()
  const session = await initialize(instance.url)
  const old = await initialize(instance.url, '2025-06-18')
  const other = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await ask(agent, instance.url, session)
  // A call keeps the drain going, and a stream shows that it has begun.
  const running = post(instance.url, toolCall('q', 'gated', { gate: 'drain' }), {
    session: old,
    accept: 'application/json',
  })
  const held = await getStream(instance.url, session)
  await held.next()
  const late = await open(instance.url)
  instance.child.kill('SIGTERM')
  await held.rest()
  let seen = ''
  late.setEncoding('utf8').on('data', (chunk) => {
    seen += chunk
  })
  const lines = Object.entries(headersOf(session)).map(([name, value]) => `${name}: ${value}\r\n`)
  late.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${lines.join('')}\r\n`)
  await new Promise((resolve) => late.once('close', resolve))
  expect(seen).toMatch(/^HTTP\/1\.1 503 /)
  expect(/^retry-after: (\d+)/im.exec(seen)?.[1]).toEqual(fromSeconds(1))
  expect(seen).toMatch(/^connection: close\r$/im)
  expect(seen).toContain('shuts down')
  await call(other.url, await initialize(other.url), toolCall(1, 'user_set', { name: 'gate:drain', value: 'open' }))
  expect(await (await running).json()).toMatchObject({ id: 'q', result: {} })
  expect(await instance.ended()).toBe(0)
  expect(instance.output.filter((line) => line.includes('closed'))).toEqual([])
  agent.destroy()
})
