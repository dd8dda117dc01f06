/** What clients of sessions send, and what a server asks beside the protocol: its own notifications, requests and handlers. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  McpError,
  NotificationSchema,
  ResultSchema,
  RootsListChangedNotificationSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestClient } from '../../lib/testing.ts'
import { eventually } from '../support/eventually.ts'
import { call, connect, REVISIONS, reported, textOf } from './lines.ts'

const info = { name: 'official', version: '1' }
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] })

const MODE = 'notifications/example/mode'
const Mode = NotificationSchema.extend({ method: z.literal(MODE), params: z.object({ mode: z.string() }) })

/** Servers whose client says in which mode it is. */
const MODES = {
  '1.x': () => {
    const server = new McpServer(info)
    let modes: string[] = []
    server.server.setNotificationHandler(Mode, ({ params }) => {
      modes = [...modes, params.mode]
    })
    server.registerTool('modes', {}, async () => text(modes))
    return server
  },
  '2.x': () => {
    const server = new McpServer2(info)
    let modes: string[] = []
    server.server.setNotificationHandler(MODE, { params: z.object({ mode: z.string() }) }, ({ mode }) => {
      modes = [...modes, mode]
    })
    server.registerTool('modes', {}, async () => text(modes))
    return server
  },
}

async function everywhere(client: TestClient, tool: string): Promise<unknown[]> {
  const results = new Map<number, unknown>()
  while (results.size < 3) {
    const result = textOf(await call(client, tool))
    if (!results.has(client.lastInstance)) results.set(client.lastInstance, result)
  }
  return [...results.keys()].sort().map((index) => results.get(index))
}

describe.each(Object.entries(MODES))('a notification of a client of its own, in a server of %s', (_line, make) => {
  test('reaches the instances of its session in every process, the latest one in those that were idle', async () => {
    const client = await connect(make, { instances: 3, endpoint: { instances: 'session' } })
    const other = await client.another()
    expect(await everywhere(client, 'modes')).toEqual([[], [], []])
    const send = (mode: string) => client.notification({ method: MODE, params: { mode } })
    await send('one')
    expect(await everywhere(client, 'modes')).toEqual([['one'], ['one'], ['one']])
    await send('two')
    await send('three')
    const heard = await everywhere(client, 'modes')
    for (const modes of heard) expect((modes as string[]).at(-1)).toBe('three')
    expect(await everywhere(other, 'modes')).toEqual([[], [], []])
  })

  test('reaches an instance that is made later', async () => {
    const client = await connect(make, { instances: 3, endpoint: { instances: 'session' } })
    await client.notification({ method: MODE, params: { mode: 'early' } })
    expect(await everywhere(client, 'modes')).toEqual([['early'], ['early'], ['early']])
  })

  test('reaches a shared instance in the process where it arrives', async () => {
    const client = await connect(make, { endpoint: { instances: 'shared' } })
    await client.notification({ method: MODE, params: { mode: 'shared' } })
    await eventually(async () => ((textOf(await call(client, 'modes')) as string[]).length > 0 ? true : undefined))
    expect(textOf(await call(client, 'modes'))).toEqual(['shared'])
  })
})

test('a running call has the new roots as soon as they change', async () => {
  const make = () => {
    const server = new McpServer(info, { capabilities: { logging: {} } })
    const { promise, resolve } = Promise.withResolvers<string[]>()
    server.server.setNotificationHandler(RootsListChangedNotificationSchema, async () => {
      const { roots } = await server.server.listRoots()
      resolve(roots.map(({ uri }) => uri))
    })
    server.registerTool('next', {}, async ({ sendNotification }) => {
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'waiting' } })
      return text(await promise)
    })
    return server
  }
  const client = await connect(make, { roots: () => [{ uri: 'file:///new' }] })
  client.setNotificationHandler('notifications/message', () =>
    client.notification({ method: 'notifications/roots/list_changed' }),
  )
  expect(textOf(await call(client, 'next'))).toEqual(['file:///new'])
})

/** Makes servers with a tool that returns the roots which the server has. `on`: has the SDK call `learn`, which asks for them. */
function rootsServer(on: (server: McpServer, learn: () => Promise<void>) => void) {
  return () => {
    const server = new McpServer(info)
    let roots: string[] = []
    on(server, async () => {
      roots = (await server.server.listRoots()).roots.map(({ uri }) => uri)
    })
    server.registerTool('roots', {}, async () => text(roots))
    return server
  }
}

/** Roots of a client that cancels its call in place of the first answer. */
function rootsAfterCancel(uri: string) {
  const abort = new AbortController()
  const seen = { asked: 0 }
  const roots = () => {
    if (++seen.asked > 1) return [{ uri }]
    abort.abort()
    return new Promise<never>(() => {})
  }
  return { abort, seen, roots }
}

test('roots that a cancelled call was to ask for are asked for by the next one', async () => {
  const make = rootsServer((server, learn) =>
    server.server.setNotificationHandler(RootsListChangedNotificationSchema, learn),
  )
  const { abort, seen, roots } = rootsAfterCancel('file:///new')
  const client = await connect(make, { roots })
  expect(textOf(await call(client, 'roots'))).toEqual([])
  await client.notification({ method: 'notifications/roots/list_changed' })
  await expect(client.callTool({ name: 'roots' }, { signal: abort.signal })).rejects.toThrow()
  expect(textOf(await call(client, 'roots'))).toEqual(['file:///new'])
  expect(seen.asked).toBe(2)
})

test('roots that a cancelled first call was to ask for are asked for by the next one', async () => {
  const make = rootsServer((server, learn) => {
    server.server.oninitialized = learn
  })
  const { abort, roots } = rootsAfterCancel('file:///one')
  const client = await connect(make, { roots })
  const cancelled = client.callTool({ name: 'roots' }, { signal: abort.signal })
  const beside = call(client, 'roots')
  await expect(cancelled).rejects.toThrow()
  expect(textOf(await beside)).toEqual(['file:///one'])
  expect(textOf(await call(client, 'roots'))).toEqual(['file:///one'])
})

/** A server that keeps its own books of subscriptions and levels. */
function bookkeeper() {
  const books: string[] = []
  const make = () => {
    const server = new McpServer(info, { capabilities: { logging: {}, resources: { subscribe: true } } })
    server.registerResource('one', 'test://one', {}, async () => ({ contents: [] }))
    server.server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, { sessionId }) => {
      if (uri === 'test://secret') throw new McpError(-32001, 'Not for you', { uri })
      books.push(`subscribe ${uri} ${typeof sessionId}`)
      return {}
    })
    server.server.setRequestHandler(UnsubscribeRequestSchema, async ({ params: { uri } }) => {
      books.push(`unsubscribe ${uri}`)
      return {}
    })
    server.server.setRequestHandler(SetLevelRequestSchema, async ({ params: { level } }) => {
      if (level === 'debug') throw new McpError(-32002, 'Not so much')
      books.push(`level ${level}`)
      return {}
    })
    server.registerTool('touch', {}, async (extra) => {
      await server.server.sendResourceUpdated({ uri: 'test://one' })
      await server.server.sendResourceUpdated({ uri: 'test://secret' })
      for (const level of ['info', 'error'] as const) {
        await extra.sendNotification({ method: 'notifications/message', params: { level, data: level } })
      }
      return text('touched')
    })
    return server
  }
  return { books, make }
}

describe.each(['shared', 'session'] as const)('with instances: %s', (instances) => {
  test('the server’s handlers of subscriptions and levels run beside the endpoint’s own', async () => {
    const { books, make } = bookkeeper()
    const client = await connect(make, { instances: 3, endpoint: { instances } })
    const updated: string[] = []
    const logged: unknown[] = []
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
    client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.data))
    await client.subscribeResource({ uri: 'test://one' })
    await client.setLoggingLevel('error')
    expect(books).toEqual(['subscribe test://one string', 'level error'])
    await call(client, 'touch')
    await eventually(async () => (updated.length > 0 ? true : undefined))
    expect([updated, logged]).toEqual([['test://one'], ['error']])
    await client.unsubscribeResource({ uri: 'test://one' })
    expect(books.at(-1)).toBe('unsubscribe test://one')
  })

  test('an error of such a handler is the client’s, and nothing is subscribed or set', async () => {
    const { books, make } = bookkeeper()
    const client = await connect(make, { instances: 3, endpoint: { instances } })
    const updated: string[] = []
    const logged: unknown[] = []
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
    client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.data))
    await client.setLoggingLevel('error')
    const secret = client.subscribeResource({ uri: 'test://secret' })
    await expect(secret).rejects.toMatchObject({ code: -32001, data: { uri: 'test://secret' } })
    await expect(client.setLoggingLevel('debug')).rejects.toMatchObject({ code: -32002 })
    // A level that does not exist is the endpoint's error, and the server does not hear of it.
    await expect(client.setLoggingLevel('loud' as never)).rejects.toMatchObject({ code: -32602 })
    await client.subscribeResource({ uri: 'test://one' })
    await call(client, 'touch')
    await eventually(async () => (updated.length > 0 ? true : undefined))
    expect([updated, logged]).toEqual([['test://one'], ['error']])
    expect(books).toEqual(['level error', 'subscribe test://one string'])
  })
})

test('the SDK keeps no level of a session that has ended', async () => {
  const server = new McpServer(info, { capabilities: { logging: {} } })
  const client = await connect(server)
  await client.setLoggingLevel('error')
  await (await client.another()).setLoggingLevel('info')
  expect(Reflect.get(server.server, '_loggingLevels')).toEqual(new Map())
})

/** A server that asks its client what the protocol has no request for. */
function curious() {
  const server = new McpServer(info)
  server.registerTool('weather', { annotations: { readOnlyHint: true } }, async ({ sendRequest }) => {
    const request = { method: 'example/weather', params: { city: 'Prague' } }
    return text(await sendRequest(request as never, ResultSchema).catch((error: Error) => ({ error: error.message })))
  })
  server.registerTool('weather_of_server', {}, async () => {
    const request = { method: 'example/weather', params: { city: 'Paris' } }
    return text(await server.server.request(request as never, ResultSchema))
  })
  return server
}

test('a request of the server with a method of its own reaches the client of a session', async () => {
  const client = await connect(curious(), { instances: 3 })
  client.fallbackRequestHandler = async ({ method, params }) => ({ method, city: params?.city, rain: true })
  for (const [tool, city] of [
    ['weather', 'Prague'],
    ['weather_of_server', 'Paris'],
  ] as const) {
    expect(textOf(await call(client, tool))).toEqual({ method: 'example/weather', city, rain: true })
  }
})

test.each(REVISIONS)('such a request is an error where nobody answers it (%s)', async (revision) => {
  const client = await connect(curious(), { revision })
  const { error } = textOf(await call(client, 'weather')) as { error: string }
  if (revision === '2026-07-28') {
    expect(error).toMatch(/example\/weather is no request that a client of 2026-07-28 can answer.*with a session can/)
  } else expect(error).toMatch(/Method not found/)
  expect(reported).toEqual([])
})

/** A server that logs when no call runs. */
function chatty() {
  const wake: (() => Promise<void>)[] = []
  const make = () => {
    const server = new McpServer(info, { capabilities: { logging: {} } })
    server.registerTool('start', {}, async () => {
      wake.push(async () => {
        await server.server.sendLoggingMessage({ level: 'info', data: 'quiet' })
        await server.server.sendLoggingMessage({ level: 'error', data: 'loud' })
        await server.server.notification({
          method: 'notifications/progress',
          params: { progressToken: 1, progress: 1 },
        })
      })
      return text('started')
    })
    return server
  }
  return { wake, make }
}

test('what an instance of a session logs outside of calls goes to its client, at its level', async () => {
  const { wake, make } = chatty()
  const client = await connect(make, { instances: 3, endpoint: { instances: 'session' } })
  const other = await client.another()
  const logged = new Map<TestClient, unknown[]>([
    [client, []],
    [other, []],
  ])
  for (const [each, list] of logged) {
    each.setNotificationHandler('notifications/message', ({ params }) => void list.push(params.data))
    await call(each, 'start')
  }
  await other.setLoggingLevel('error')
  for (const log of wake) await log()
  await eventually(async () => ((logged.get(client)?.length ?? 0) > 1 && logged.get(other)?.length ? true : undefined))
  expect([logged.get(client), logged.get(other)]).toEqual([['quiet', 'loud'], ['loud']])
  // Each process reports it once.
  expect(new Set(reported).size).toBe(1)
  expect(reported[0]).toMatch(/^notifications\/progress is not sent/)
})

test('a strict endpoint sends nothing outside of calls', async () => {
  const { wake, make } = chatty()
  const client = await connect(make, { endpoint: { instances: 'session', attribution: 'strict' } })
  await call(client, 'start')
  for (const log of wake) await log()
  expect(reported[0]).toMatch(/^notifications\/message is not sent.*attribution is "strict"/)
})
