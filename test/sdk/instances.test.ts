/** Which instances of an official server there are, and servers that cannot be shared. */

import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { OfficialInstance } from '../../lib/sdk/instance.ts'
import { InstancePool } from '../../lib/sdk/instances.ts'
import type { Servable } from '../../lib/sdk/official.ts'
import { McpServer as OwnServer } from '../../lib/server/mcp-server.ts'
import { fakeChannel } from '../server/fake-channel.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { call, connect, reported, textOf } from './lines.ts'

const info = { name: 'official', version: '1' }
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })

/** A server that counts its calls, and has the number of its instance. */
function counter(made: { count: number }) {
  return () => {
    const server = new McpServer(info)
    const instance = ++made.count
    let calls = 0
    server.registerTool('count', {}, async () => text(`${instance} ${++calls}`))
    return server
  }
}

async function ready(server: Servable, options: EndpointOptions = {}): Promise<readonly string[]> {
  const endpoint = createEndpoint(server, { onError: () => {}, ...options })
  try {
    return await endpoint.ready()
  } finally {
    await endpoint.close()
  }
}

test('the start says which instances there are, and why', async () => {
  expect(await ready(new McpServer(info))).toEqual([
    'The official server "official" has one instance for all clients of this process: nothing in it is bound to a client.',
  ])
  expect(await ready(() => new McpServer(info))).toEqual([expect.stringContaining('one instance for all clients')])
  expect(await ready((_context) => new McpServer(info))).toEqual([
    'The official server "official" has an instance for each session: the factory takes the context of a request.',
  ])
  expect(await ready(async () => new McpServer(info), { instances: 'call' })).toEqual([
    'The official server "official" has an instance for each request: "instances" says so.',
  ])
})

const initializing = () => {
  const server = new McpServer(info)
  server.server.oninitialized = () => {}
  return server
}
const watchingRoots = () => {
  const server = new McpServer(info)
  server.server.setNotificationHandler(RootsListChangedNotificationSchema, () => {})
  return server
}

test.each([
  ['oninitialized', initializing, /^The server sets oninitialized, so .*Export a function.*instances: 'shared'/],
  ['a handler of changed roots', watchingRoots, /^The server handles notifications\/roots\/list_changed, so /],
])('a given server with %s is refused, unless it is said to be shared', async (_what, make, message) => {
  await expect(ready(make())).rejects.toThrow(message)
  expect(await ready(make(), { instances: 'shared' })).toHaveLength(1)
  expect(await ready(make)).toEqual([expect.stringContaining('an instance for each session')])
})

test('requests to a server that cannot be served are 503, and the reason is reported', async () => {
  const reported: unknown[] = []
  const endpoint = createEndpoint(initializing(), { onError: (error) => void reported.push(error) })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const response = await endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', body, headers }))
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('could not be opened') } })
  expect(String(reported[0])).toContain('oninitialized')
  await endpoint.close()
})

test.each<[string, () => Servable, EndpointOptions, RegExp]>([
  ['an instance for each session', () => new McpServer(info), { instances: 'session' }, /needs a function that makes/],
  ['another word', () => new McpServer(info), { instances: 'some' as never }, /instances must be "shared"/],
  ['another attribution', () => new McpServer(info), { attribution: 'guess' as never }, /attribution must be/],
  ['a tool that does not exist', counter({ count: 0 }), { tools: { cuont: {} } }, /"cuont".*It has count/],
  [
    'an option of a tool that does not exist',
    counter({ count: 0 }),
    { tools: { count: { readonly: true } as never } },
    /no option readonly/,
  ],
  ['nothing', () => undefined as never, {}, /^The server is undefined, and must be an McpServer, a server of the/],
  ['another object', () => ({}) as never, {}, /^The server is an object, and must be an McpServer/],
  ['a promise', () => Promise.resolve() as never, {}, /is a promise: await it, or give the function/],
  ['no options for a tool', counter({ count: 0 }), { tools: { count: null as never } }, /"count"\] must be an object/],
  [
    'a function that makes a server of this package',
    () => (() => new OwnServer(info)) as never,
    {},
    /give the server itself/,
  ],
  ['a function that makes something else', () => (() => ({})) as never, {}, /What the factory returns is neither/],
])('%s that cannot work is one line', async (_what, make, options, message) => {
  const server = make()
  await expect(ready(typeof server === 'function' ? server : server, options)).rejects.toThrow(message)
})

test('a server that is connected already is refused with the cure', async () => {
  const server = new McpServer(info)
  await server.connect(InMemoryTransport.createLinkedPair()[0])
  await expect(ready(server)).rejects.toThrow(/connected to a transport already\. Remove server\.connect/)
})

test('a factory that returns one server again and again is reported', async () => {
  const server = new McpServer(info)
  server.registerTool('count', {}, async () => text(1))
  const client = await connect(() => server, { endpoint: { instances: 'call' } })
  await expect(call(client, 'count')).rejects.toThrow()
  expect(reported).toEqual([expect.stringContaining('has returned before')])
})

test('each session has an instance of its own', async () => {
  const made = { count: 0 }
  const client = await connect(counter(made), { endpoint: { instances: 'session' } })
  const other = await client.another()
  // The first one describes the server.
  expect(textOf(await call(client, 'count'))).toBe('2 1')
  expect(textOf(await call(client, 'count'))).toBe('2 2')
  expect(textOf(await call(other, 'count'))).toBe('3 1')
  expect(textOf(await call(client, 'count'))).toBe('2 3')
})

test('a request without a session has an instance of its own where sessions have one', async () => {
  const client = await connect(counter({ count: 0 }), {
    revision: '2026-07-28',
    endpoint: { instances: 'session' },
  })
  expect(textOf(await call(client, 'count'))).toBe('2 1')
  expect(textOf(await call(client, 'count'))).toBe('3 1')
})

test('callers with the same key have one instance', async () => {
  const caller = (clientId: string) => ({ auth: { token: clientId, clientId, scopes: [], extra: { sub: clientId } } })
  const client = await connect(counter({ count: 0 }), {
    ...caller('one'),
    endpoint: { instances: ({ auth }) => String(auth?.clientId) },
  })
  const [same, other] = [await client.another(caller('one')), await client.another(caller('two'))]
  expect(textOf(await call(client, 'count'))).toBe('2 1')
  expect(textOf(await call(same, 'count'))).toBe('2 2')
  expect(textOf(await call(other, 'count'))).toBe('3 1')
})

test('an instance of a session is initialized by its client before the first call', async () => {
  const make = () => {
    const server = new McpServer(info)
    let roots: string[] = []
    server.server.oninitialized = async () => {
      if (server.server.getClientCapabilities()?.roots) {
        roots = (await server.server.listRoots()).roots.map(({ uri }) => uri)
      }
    }
    server.registerTool('roots', {}, async () => text(`${server.server.getClientVersion()?.name} ${roots}`))
    return server
  }
  const client = await connect(make, { roots: [{ uri: 'file:///one' }] })
  const other = await client.another({ roots: [{ uri: 'file:///two' }] })
  const without = await client.another({})
  expect(textOf(await call(client, 'roots'))).toMatch(/^\S+ file:\/\/\/one$/)
  expect(textOf(await call(other, 'roots'))).toMatch(/^\S+ file:\/\/\/two$/)
  expect(textOf(await call(without, 'roots'))).toMatch(/^\S+ $/)
  expect(textOf(await call(client, 'roots'))).toMatch(/^\S+ file:\/\/\/one$/)
})

test('instances that are kept have a bound, and those that nobody uses go', async () => {
  const clock = new ManualClock()
  const closed: number[] = []
  let made = 0
  const instance = (): OfficialInstance => {
    const id = ++made
    return { idle: true, close: async () => void closed.push(id) } as unknown as OfficialInstance
  }
  const pool = new InstancePool({ kind: 'session', make: async () => instance(), clock, most: 2 })
  const use = (sessionId: string) => pool.use({ ...fakeChannel(), sessionId }, async () => {})
  await use('a')
  await use('b')
  await use('a')
  await use('c')
  expect(closed).toEqual([2])
  expect(pool.size).toBe(2)
  await clock.advance(11 * 60_000)
  expect(pool.size).toBe(0)
  expect(closed).toEqual([2, 1, 3])
})
