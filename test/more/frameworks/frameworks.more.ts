/** The handler of an endpoint in frameworks that the repository does not have. */
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint } from '../../../lib/endpoint.ts'
import type { NodeHandler } from '../../../lib/platform/node/handler.ts'
import { nodeHandlerContract, nodeServer, startApp, stopApps } from '../../platform/node-handler.ts'
import { initialize, post, request } from '../../support/raw.ts'
import { installed } from '../support/installed.ts'

interface Reply {
  send(text: string): unknown
}
interface ExpressApp {
  use(...handlers: unknown[]): ExpressApp
  all(path: string, handler: unknown): ExpressApp
  get(path: string, handler: (request: unknown, reply: Reply) => unknown): ExpressApp
  listen(port: number, host: string): Server
}
interface FastifyApp {
  server: Server
  all(path: string, handler: unknown): FastifyApp
  get(path: string, handler: (request: unknown, reply: Reply) => unknown): FastifyApp
  register(plugin: unknown, options?: object): FastifyApp
  addHook(name: string, hook: (request: object, reply: unknown, done: () => void) => void): FastifyApp
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void
  listen(options: object): Promise<string>
}

// The typed functions of these packages are in another folder than the compiler looks into.
const load = createRequire(join(await installed('frameworks'), 'package.json'))
const express = load('express') as (() => ExpressApp) & { json(): unknown }
const fastify = load('fastify') as () => FastifyApp
const cors = load('@fastify/cors') as unknown

const mine = (_request: unknown, reply: Reply) => reply.send('mine')
const listen = (app: ExpressApp) => app.listen(0, '127.0.0.1')
async function listenFastify(app: FastifyApp): Promise<Server> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

nodeHandlerContract('Express 4, behind express.json()', async (handler) =>
  listen(express().use(express.json()).all('/mcp', handler).get('/mine', mine)),
)

nodeHandlerContract('Express 4, before a parser, as a middleware', async (handler) =>
  listen(express().use(handler).get('/mine', mine)),
)

nodeHandlerContract('Fastify, whose parser reads the body', (handler) =>
  listenFastify(fastify().all('/mcp', handler).get('/mine', mine)),
)

nodeHandlerContract('Fastify, with a handler of Node', (handler) => {
  const hijacking = (request: { raw: never; body: unknown }, reply: { raw: never; hijack(): void }) => {
    reply.hijack()
    return (handler as (...args: unknown[]) => unknown)(request.raw, reply.raw, request.body)
  }
  return listenFastify(fastify().all('/mcp', hijacking).get('/mine', mine))
})

nodeHandlerContract('Fastify, without a parser', (handler) => {
  const plugin = async (app: FastifyApp) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('/mcp', handler)
  }
  return listenFastify(fastify().register(plugin).get('/mine', mine))
})

afterEach(stopApps)

describe('Express 4', () => {
  test.each([
    ['of another type that the parser leaves', 'application/vnd.api+json', 200],
    ['that is no JSON', 'text/plain', 415],
  ])('serves a body %s', async (_, type, status) => {
    const endpoint = createEndpoint(nodeServer().server, { allowedHosts: 'local' })
    const app = (handler: NodeHandler) => listen(express().use(express.json()).use('/base', handler))
    const url = `${await startApp(endpoint, async (handler) => app(handler))}/base/mcp`
    const session = await initialize(url)
    const response = await post(url, request(1, 'ping'), { session, headers: { 'content-type': type } })
    expect(response.status).toBe(status)
  })
})

describe('Fastify', () => {
  test('keeps the headers of its plugins, its prefix, and the caller that a hook has checked', async () => {
    const endpoint = createEndpoint(nodeServer().server, { auth: 'middleware', prefix: '/base', allowedOrigins: '*' })
    const url = await startApp(endpoint, (handler) => {
      const app = fastify()
      app.register(cors, { origin: 'https://app.example', credentials: true })
      app.addHook('onRequest', (request, _reply, done) => {
        Object.assign(request, { auth: { token: 't', clientId: 'app', scopes: [], extra: { sub: 'ada' } } })
        done()
      })
      app.register(async (inner: FastifyApp) => void inner.all('/mcp', handler), { prefix: '/base' })
      return listenFastify(app)
    })
    const response = await post(`${url}/base/mcp`, request(1, 'ping'), { headers: { origin: 'https://app.example' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
  })
})
