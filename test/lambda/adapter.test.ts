/** Requests and responses of every kind pass through the Lambda adapter unchanged. */
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleServer } from '../../lib/cli/build/bundle-server.ts'
import { eventually } from '../support/eventually.ts'
import { type Lambda, startLambda } from './emulator.ts'
import type { Front } from './fronts.ts'

const task = mkdtempSync(join(tmpdir(), 'mcp-anywhere-adapter-'))
const started: Lambda[] = []

beforeAll(async () => {
  const file = fileURLToPath(new URL('./adapter-routes.ts', import.meta.url))
  await bundleServer({ server: file, entries: { routes: { file } }, outdir: task })
})
afterAll(async () => {
  await Promise.all(started.map((lambda) => lambda.stop()))
  rmSync(task, { recursive: true, force: true })
})

interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

/** With `http`, because `fetch` sends no GET with a body and hides headers. */
function send(
  lambda: Lambda,
  path: string,
  options: http.RequestOptions = {},
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(path, lambda.url)
    const request = http.request(url, { agent: false, ...options }, async (response) => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      } catch (error) {
        reject(error)
      }
    })
    request.on('error', reject)
    request.end(body)
  })
}

const json = ({ body }: Answer) => JSON.parse(body.toString())

const FRONTS: [Front, string][] = [
  ['url', 'routes.handler'],
  ['rest', 'routes.handler'],
  ['http', 'routes.buffered'],
  ['alb', 'routes.buffered'],
]

describe.each(FRONTS)('behind %s', (front, handler) => {
  let lambda: Lambda
  beforeAll(async () => {
    lambda = await startLambda({ task, handler, front })
    started.push(lambda)
  })

  test.each([202, 204, 205, 304])('an empty response keeps its status %i and its headers', async (status) => {
    const answer = await send(lambda, `/empty/${status}`)
    expect(answer).toMatchObject({ status, headers: { 'x-custom': 'yes' } })
    expect(answer.body).toHaveLength(0)
  })

  test('a response whose body has no bytes keeps them too', async () => {
    expect(await send(lambda, '/no-bytes')).toMatchObject({ status: 404, headers: { 'x-custom': 'yes' } })
  })

  test('cookies stay separate in both directions, and headers of a single connection are not forwarded', async () => {
    const { headers, body } = await send(lambda, '/cookies')
    expect(headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'])
    expect(headers).not.toHaveProperty('te')
    expect(headers['keep-alive']).not.toBe('timeout=5')
    expect(body.toString()).toBe('crumbs')
    expect(json(await send(lambda, '/echo', { headers: { cookie: 'a=1; b=2' } })).cookie).toBe('a=1; b=2')
  })

  test('the function gets path, repeated and encoded query keys, host and address', async () => {
    const echoed = json(await send(lambda, '/echo?a=1&a=2&b%20c=d%26e%2Ff', { headers: { host: 'mcp.example.com' } }))
    expect(echoed).toMatchObject({
      path: '/echo',
      query: { a: ['1', '2'], 'b c': ['d&e/f'] },
      host: 'mcp.example.com',
      address: '127.0.0.1',
    })
  })

  test('bytes are unchanged in both directions', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256))
    const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length }
    const { sum, length } = json(await send(lambda, '/echo', { method: 'POST', headers }, bytes))
    expect(length).toBe(bytes.length)
    expect(sum).toBe(bytes.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7))
    expect((await send(lambda, '/bytes')).body).toEqual(Buffer.from(Array.from({ length: 256 }, (_, i) => i)))
  })

  test('text that is not ASCII is unchanged in both directions', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const message = { jsonrpc: '2.0', id: 'ü 名', method: 'ping' }
    expect(json(await send(lambda, '/mcp', { method: 'POST', headers }, JSON.stringify(message)))).toEqual({
      jsonrpc: '2.0',
      id: 'ü 名',
      result: {},
    })
  })

  test.each(['GET', 'HEAD', 'DELETE'])('%s with a body is served', async (method) => {
    const headers = { 'content-type': 'application/json', 'content-length': 2 }
    const answer = await send(lambda, '/echo', { method, headers }, '{}')
    expect(answer.status).toBe(200)
    if (method === 'HEAD') expect(answer.body).toHaveLength(0)
    else expect(json(answer).method).toBe(method)
  })

  test('an unknown path gets a JSON-RPC error', async () => {
    const answer = await send(lambda, '/nothing')
    expect(answer.status).toBe(404)
    expect(json(answer)).toMatchObject({ jsonrpc: '2.0', error: { message: expect.stringContaining('/nothing') } })
  })
})

describe('a streamed response', () => {
  async function start(options: { size: number }): Promise<Lambda> {
    const lambda = await startLambda({ task, handler: 'routes.handler', ...options })
    started.push(lambda)
    return lambda
  }

  test('sends status and headers before its first byte', async () => {
    const lambda = await start({ size: 1 })
    const response = await fetch(new URL('/late', lambda.url))
    expect(response.status).toBe(203)
    // The first byte of the body exists only from here on.
    process.kill(lambda.environments[0]?.pid ?? 0, 'SIGUSR2')
    expect(await response.text()).toBe('late')
  })

  test('is cut off where its body fails, and the environment goes on', async () => {
    const lambda = await start({ size: 1 })
    const response = await fetch(new URL('/broken', lambda.url))
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    await lambda.quiet()
    expect(await send(lambda, '/no-bytes')).toMatchObject({ status: 404 })
    expect(lambda.lost()).toEqual([])
  })

  test('waits for a client that reads slowly', async () => {
    const lambda = await start({ size: 1 })
    const response = await fetch(new URL('/endless', lambda.url))
    const reader = response.body?.getReader()
    await reader?.read()
    // The function makes no more chunks than the buffers up to the client hold: its count stays the same.
    const said = async () => {
      const { log, pid } = lambda.environments[0] ?? { log: [], pid: 0 }
      const lines = log.length
      process.kill(pid, 'SIGUSR2')
      return eventually(async () => log.slice(lines).find((line) => line.includes('made')))
    }
    const settled = await eventually(async () => {
      const [first, second] = [await said(), await said()].map((line) => Number(line.split('made ')[1]))
      return first === second ? first : undefined
    })
    expect(settled).toBeLessThan(64)
    let bytes = 1024 * 1024
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) bytes += read.value.length
    expect(bytes).toBeGreaterThanOrEqual(64 * 1024 * 1024)
  })

  test('an event that is no HTTP request gets 400', async () => {
    const lambda = await start({ size: 1 })
    const chunks: Buffer[] = []
    await lambda.environments[0]?.invoke(
      { Records: [] },
      {
        chunk: (bytes) => void chunks.push(bytes),
        end: () => {},
        whole: () => {},
        fail: () => {},
      },
    )
    expect(Buffer.concat(chunks).toString()).toContain('"statusCode":400')
    expect(lambda.lost()).toEqual([])
  })
})

test('the platform refuses more requests at once than it may have environments, and other requests are served', async () => {
  const lambda = await startLambda({ task, handler: 'routes.handler', size: 1, limit: 2 })
  started.push(lambda)
  const open = await Promise.all([1, 2].map(() => fetch(new URL('/late', lambda.url))))
  expect((await fetch(new URL('/echo', lambda.url))).status).toBe(429)
  for (const { pid } of lambda.environments) process.kill(pid, 'SIGUSR2')
  expect(await Promise.all(open.map((response) => response.text()))).toEqual(['late', 'late'])
  await lambda.quiet()
  expect((await fetch(new URL('/echo', lambda.url))).status).toBe(200)
})
