/** The handler of an endpoint in plain Node, in Express, and where Express mounts it. */
import { createServer, request as httpRequest } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import express, { type Express, type RequestHandler } from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { NodeHandler } from '../../lib/platform/node/handler.ts'
import { initialize, post, request } from '../support/raw.ts'
import { nodeHandlerContract, nodeServer, startApp, stopApps } from './node-handler.ts'

const mine: RequestHandler = (_request, response) => void response.send('mine')
const listen = (app: Express) => app.listen(0, '127.0.0.1')

nodeHandlerContract('node:http', async (handler) =>
  createServer((request, response) => {
    if (request.url === '/mine') response.end('mine')
    else handler(request, response)
  }).listen(0, '127.0.0.1'),
)

nodeHandlerContract('Express, before a parser', async (handler) =>
  listen(express().all('/mcp', handler).use(express.json()).get('/mine', mine)),
)

nodeHandlerContract('Express, behind express.json()', async (handler) =>
  listen(express().use(express.json()).all('/mcp', handler).get('/mine', mine)),
)

nodeHandlerContract('Express, as a middleware', async (handler) =>
  listen(express().use(express.json()).use(handler).get('/mine', mine)),
)

nodeHandlerContract('Express, with the bytes of express.raw()', async (handler) =>
  listen(
    express()
      .use(express.raw({ type: '*/*' }))
      .all('/mcp', handler)
      .get('/mine', mine),
  ),
)

afterEach(stopApps)

async function started(app: (handler: NodeHandler) => Express, options: EndpointOptions = {}): Promise<string> {
  const endpoint = createEndpoint(nodeServer().server, { allowedHosts: 'local', legacySse: true, ...options })
  return startApp(endpoint, async (handler) => listen(app(handler)))
}

describe('Express mounts the endpoint', () => {
  test.each<[string, (handler: NodeHandler) => Express, string]>([
    ['at its own path', (handler) => express().use('/mcp', handler), '/mcp'],
    ['below a path', (handler) => express().use('/base', handler), '/base/mcp'],
    ['below two', (handler) => express().use('/a', express.Router().use('/b', handler)), '/a/b/mcp'],
    ['below a parameter, with a query', (handler) => express().use('/:tenant', handler), '/acme/mcp?key=1'],
  ])('%s', async (_, app, path) => {
    const url = `${await started(app)}${path}`
    const session = await initialize(url)
    expect((await post(url, request(1, 'ping'), { session })).status).toBe(200)
  })

  test('where its own path has the mount', async () => {
    const url = `${await started((handler) => express().use('/base', handler), { path: '/base/mcp' })}/base/mcp`
    await initialize(url)
  })

  test('and the official client of HTTP+SSE is sent to an address below it', async () => {
    const url = await started((handler) => express().use(express.json()).use('/base', handler))
    const client = new Client({ name: 'old', version: '1' })
    await client.connect(new SSEClientTransport(new URL(`${url}/base/sse`)))
    expect((await client.callTool({ name: 'whoami' })).content).toEqual([{ type: 'text', text: 'anybody' }])
    await client.close()
  })

  test('and the metadata of authorization is below it', async () => {
    const auth = { issuer: 'https://as.example', resource: 'https://mcp.example/base/mcp', jwks: { keys: [] } }
    const url = await started((handler) => express().use('/base', handler), { auth })
    const response = await post(`${url}/base/mcp`, request(1, 'ping'))
    const [, at = ''] =
      /resource_metadata="https:\/\/mcp.example([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? []
    expect(at).toMatch(/^\/base\/\.well-known\//)
    expect(await (await fetch(`${url}${at}`)).json()).toMatchObject({ resource: auth.resource })
  })

  test('and a route at another path than the endpoint has names the right one', async () => {
    const url = await started((handler) => express().all('/other', handler))
    expect(await (await post(`${url}/other`, request(1, 'ping'))).json()).toMatchObject({
      error: { message: 'Nothing is at "/other"; the MCP endpoint is /mcp.' },
    })
  })

  test('and leaves the request as Express has it', async () => {
    let seen = ''
    const url = await started((handler) =>
      express()
        .use((request, response, next) => {
          response.on('finish', () => {
            seen = request.url
          })
          next()
        })
        .use('/mcp', handler),
    )
    await (await post(`${url}/mcp`, request(1, 'ping'))).text()
    expect(seen).toBe('/')
  })
})

describe('the caller of a middleware', () => {
  const signIn: RequestHandler = (request, _response, next) => {
    const sub = request.get('x-user')
    if (sub) Object.assign(request, { auth: { token: `token-of-${sub}`, clientId: 'app', scopes: [], extra: { sub } } })
    next()
  }

  test('owns its sessions, and a request that no middleware has checked is refused', async () => {
    const app = (handler: NodeHandler) => express().use(signIn).use(express.json()).all('/mcp', handler)
    const url = `${await started(app, { auth: 'middleware' })}/mcp`
    const session = await initialize(url, '2025-11-25', {}, { 'x-user': 'ada' })
    const status = async (user: string) =>
      (await post(url, request(1, 'ping'), { session, headers: { 'x-user': user } })).status
    expect([await status('ada'), await status('bob'), await status('')]).toEqual([200, 404, 401])
  })
})

test('a body that a parser has read and dropped is a fault of the app', async () => {
  const errors: string[] = []
  const drop: RequestHandler = (request, _response, next) => {
    request.resume().on('end', next)
  }
  const url = await started((handler) => express().use(drop).all('/mcp', handler), {
    onError: (error) => errors.push(String(error)),
  })
  const response = await post(`${url}/mcp`, request(1, 'ping'))
  expect(response.status).toBe(500)
  expect(errors[0]).toContain('serve the endpoint before the parser')
})

test('a Host that cannot be read is refused in JSON-RPC', async () => {
  const url = new URL(await started((handler) => express().all('/mcp', handler)))
  const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const options = { method: 'POST', headers: { host: 'a b' } }
    const sent = httpRequest(new URL('/mcp', url), options, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
    sent.on('error', reject).end('{}')
  })
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.text)).toMatchObject({ error: { code: -32600 } })
})

test('the globals of the app stay its own', async () => {
  const before = [globalThis.Request, globalThis.Response]
  await started((handler) => express().all('/mcp', handler))
  expect([globalThis.Request, globalThis.Response]).toEqual(before)
  expect(await fetch('data:,a')).toBeInstanceOf(Response)
})
