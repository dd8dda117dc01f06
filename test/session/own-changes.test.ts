/**
 * Handles that are used while three instances serve: clients of all of them hear of it, and the instance that used the handle
 * warns that the others stay as they are. Each instance has a server of its own, as processes have.
 */
import { type ServerType, serve } from '@hono/node-server'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

interface Instance {
  server: McpServer
  endpoint: Endpoint
  url: URL
  errors: Error[]
}

let redis: RedisServer
const instances: Instance[] = []
const https: ServerType[] = []
const clients: { close(): Promise<void> }[] = []

const text = () => ({ content: [{ type: 'text' as const, text: 'ok' }] })

/** A server whose tool `reveal` enables another one and registers a third, and whose tool `touch` changes a resource. */
function newServer(): McpServer {
  const server = new McpServer({ name: 'handles', version: '1' }, { capabilities: { prompts: {}, resources: {} } })
  const hidden = server.registerTool('hidden', {}, text)
  hidden.disable()
  server.registerTool('reveal', {}, () => {
    hidden.enable()
    server.registerTool('third', {}, text)
    server.registerPrompt('prompt', {}, () => ({ messages: [] }))
    return text()
  })
  server.registerTool('touch', {}, async () => {
    await server.server.sendResourceUpdated({ uri: 'test://a' })
    return text()
  })
  server.registerResource('a', 'test://a', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'a' }] }))
  return server
}

async function start(): Promise<Instance> {
  const server = newServer()
  const errors: Error[] = []
  const store = redisStore(redis.url)
  const endpoint = createEndpoint(server, {
    store,
    allowedHosts: 'local',
    onError: (error) => errors.push(error as Error),
  })
  const url = await new Promise<URL>((resolve) => {
    const http = serve({ fetch: endpoint.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve(new URL(`http://127.0.0.1:${port}/mcp`)),
    )
    https.push(http)
  })
  return { server, endpoint, url, errors }
}

beforeAll(async () => {
  redis = await startRedis()
  for (let i = 0; i < 3; i++) instances.push(await start())
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})
afterAll(async () => {
  for (const { endpoint } of instances) await endpoint.close()
  for (const http of https) http.close()
  await redis.stop()
})

const instance = (index: number) => instances[index] as Instance

/** Notifications as they arrive. */
class Heard {
  readonly #methods: string[] = []
  #wake = () => {}

  add = async ({ method }: { method: string }) => {
    this.#methods.push(method)
    this.#wake()
  }

  async until(method: string): Promise<void> {
    while (!this.#methods.includes(method)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  count(method: string): number {
    return this.#methods.filter((one) => one === method).length
  }
}

/** A client with a session, which listens with GET. */
async function session(url: URL) {
  const client = new Client1({ name: 'one', version: '1' })
  const heard = new Heard()
  client.fallbackNotificationHandler = heard.add
  await client.connect(new Transport1(url) as never)
  clients.push(client)
  return { client, heard }
}

/** A client of 2026-07-28, which listens. */
async function stateless(url: URL) {
  const client = new Client2({ name: 'two', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const heard = new Heard()
  client.fallbackNotificationHandler = heard.add
  await client.connect(new Transport2(url))
  await client.listen({
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: ['test://a'],
  })
  clients.push(client)
  return { client, heard }
}

test('a handle that a handler uses is announced to clients of every instance, in both eras, once for each list', async () => {
  const far = await session(instance(1).url)
  const farStateless = await stateless(instance(2).url)
  const near = await session(instance(0).url)
  expect((await near.client.listTools()).tools.map(({ name }) => name)).toEqual(['reveal', 'touch'])
  await near.client.callTool({ name: 'reveal', arguments: {} })
  for (const { heard } of [far, farStateless, near]) {
    await heard.until('notifications/tools/list_changed')
    await heard.until('notifications/prompts/list_changed')
    expect(heard.count('notifications/tools/list_changed')).toBe(1)
  }
  expect((await near.client.listTools()).tools.map(({ name }) => name)).toEqual(['hidden', 'reveal', 'touch', 'third'])
  expect((await near.client.callTool({ name: 'third', arguments: {} })).isError).toBeUndefined()
  // The others have what they had, which is what the warning says.
  expect((await far.client.listTools()).tools.map(({ name }) => name)).toEqual(['reveal', 'touch'])
  const [warning, ...more] = instance(0).errors
  expect(more).toEqual([])
  expect(warning?.name).toBe('Warning')
  expect(warning?.message).toMatch(/^The tools were changed after the start: that reaches this process only.*"visible"/)
  expect(warning?.message).not.toContain('\n')
  expect([...instance(1).errors, ...instance(2).errors]).toEqual([])
})

test('an update of a resource that the server announces itself reaches subscribers of every instance', async () => {
  const far = await session(instance(1).url)
  await far.client.subscribeResource({ uri: 'test://a' })
  const farStateless = await stateless(instance(2).url)
  const near = await session(instance(0).url)
  await near.client.callTool({ name: 'touch', arguments: {} })
  for (const { heard } of [far, farStateless]) await heard.until('notifications/resources/updated')
})

test('send…ListChanged announces, without a warning', async () => {
  const far = await session(instance(2).url)
  const { server, errors, endpoint } = instance(1)
  server.sendResourceListChanged()
  await far.heard.until('notifications/resources/list_changed')
  await endpoint.settled()
  expect(errors).toEqual([])
})

test('where the store does not leave the process there are no others, and no warning', async () => {
  const errors: unknown[] = []
  const server = newServer()
  const endpoint = createEndpoint(server, { store: memoryStore(), onError: (error) => errors.push(error) })
  server.registerTool('late', {}, text)
  await endpoint.settled()
  expect(errors).toEqual([])
  await endpoint.close()
})

test('an announcement that the store does not take is reported', async () => {
  const errors: unknown[] = []
  const store = { ...memoryStore(), publish: () => Promise.reject(new Error('The store is away.')) }
  const server = newServer()
  const endpoint = createEndpoint(server, { store, onError: (error) => errors.push(error) })
  server.sendToolListChanged()
  await endpoint.settled()
  expect(errors).toEqual([new Error('The store is away.')])
  await endpoint.close()
})
