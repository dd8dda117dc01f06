/** The official clients against three instances: asks, lost connections, changes, and polling with GET. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { startRoundRobin } from '../support/proxy.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
const answers = {
  elicit: {
    action: 'accept' as const,
    content: { name: 'Ada', number: 7, send: true, username: 'ada', email: 'a@b.c' },
  },
  sample: { model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'Hello' } },
  roots: { roots: [{ uri: 'file:///r', name: 'r' }] },
}

interface CallOptions {
  onprogress?: (progress: { progress: number }) => void
  signal?: AbortSignal
}

interface Official {
  call(name: string, args?: object, options?: CallOptions): Promise<{ content: { text?: string }[]; isError?: boolean }>
  list(): Promise<unknown>
  close(): Promise<void>
  onChanged(listener: () => void): void
}

async function sdk1(url = fleet.url): Promise<Official> {
  const client = new Client1({ name: 'one', version: '1' }, { capabilities: CAPABILITIES })
  client.setRequestHandler(ElicitRequestSchema, () => answers.elicit)
  client.setRequestHandler(CreateMessageRequestSchema, () => answers.sample)
  client.setRequestHandler(ListRootsRequestSchema, () => answers.roots)
  const listeners: (() => void)[] = []
  client.fallbackNotificationHandler = async () => {
    for (const listener of listeners) listener()
  }
  await client.connect(new Transport1(url) as never)
  return {
    call: (name, args = {}, options = {}) =>
      client.callTool({ name, arguments: { ...args } }, undefined, options) as never,
    list: () => client.listTools(),
    close: () => client.close(),
    onChanged: (listener) => void listeners.push(listener),
  }
}

async function sdk2(url = fleet.url): Promise<Official> {
  const client = new Client2({ name: 'two', version: '1' }, { capabilities: CAPABILITIES })
  client.setRequestHandler('elicitation/create', () => answers.elicit)
  client.setRequestHandler('sampling/createMessage', () => answers.sample)
  client.setRequestHandler('roots/list', () => answers.roots)
  const listeners: (() => void)[] = []
  client.fallbackNotificationHandler = async () => {
    for (const listener of listeners) listener()
  }
  await client.connect(new Transport2(url))
  return {
    call: (name, args = {}, options = {}) => client.callTool({ name, arguments: { ...args } }, options) as never,
    list: () => client.listTools(),
    close: () => client.close(),
    onChanged: (listener) => void listeners.push(listener),
  }
}

describe.each([
  ['1.x', sdk1],
  ['2.x', sdk2],
])('the official client %s', (_name, connect) => {
  let client: Official | undefined

  afterEach(async () => {
    await client?.close()
    client = undefined
  })

  test('answers forms, sampling, roots and pings, and each answer reaches the handler', async () => {
    client = await connect()
    expect((await client.call('ask')).content[0]?.text).toContain('"number":7')
    expect((await client.call('test_sampling', { prompt: 'Hi' })).content[0]?.text).toContain('Hello')
    expect((await client.call('roots')).content[0]?.text).toContain('file:///r')
    expect((await client.call('elicit_then_sample')).content[0]?.text).toContain('"sent":true')
    expect((await client.call('ping_client')).content[0]?.text).toBe('pong')
  })

  test('gets the result of a call although its connections are cut twice', async () => {
    client = await connect()
    const received: number[] = []
    const options = { onprogress: ({ progress }: { progress: number }) => received.push(progress) }
    const called = client.call('progress', { n: 60, delayMs: 50 }, options)
    for (let cuts = 0; cuts < 2; cuts++) {
      const before = received.length
      await eventually(async () => (received.length > before + 3 ? true : undefined))
      fleet.proxy.cut()
    }
    expect((await called).content[0]?.text).toContain('done 60')
    // The clients handle notifications later than responses, and may drop a progress in the same packet as the result.
    expect(received.slice(0, 59)).toEqual(Array.from({ length: 59 }, (_, i) => i + 1))
  })

  test('receives a change that another instance announces', async () => {
    client = await connect()
    const changed = new Promise<void>((resolve) => client?.onChanged(resolve))
    // The client opens its GET stream in the background. A change before that is sent when the stream opens.
    await fleet.instances[2]?.announce('tools')
    await changed
  })
})

test('no client repeats GET in a loop, idle or after a call that finished, failed, was cancelled or closed', async () => {
  const scenarios: Record<string, (client: Official) => Promise<unknown>> = {
    idle: async () => {},
    finished: (client) => client.call('log', { level: 'info', message: 'x' }),
    failed: (client) => client.call('fail', { message: 'x' }),
    closed: (client) => client.call('test_reconnection'),
    async cancelled(client) {
      const abort = new AbortController()
      const options = { signal: abort.signal, onprogress: () => abort.abort() }
      await client.call('progress', { n: 1_000, delayMs: 20 }, options).catch(() => {})
    },
  }
  const runs = [sdk1, sdk2].flatMap((connect) =>
    Object.entries(scenarios).map(async ([name, act]) => {
      const proxy = await startRoundRobin(fleet.instances.map(({ url }) => url))
      const client = await connect(new URL('/mcp', proxy.url))
      await act(client)
      // The length of the observation. No assertion depends on it as a deadline.
      await sleep(12_000)
      const gets = proxy.requests.filter(({ method }) => method === 'GET')
      await expect(client.list()).resolves.toBeDefined()
      await client.close()
      await proxy.close()
      return { name: `${connect.name} ${name}`, gets: gets.length, statuses: gets.map(({ status }) => status) }
    }),
  )
  for (const { name, gets, statuses } of await Promise.all(runs)) {
    // At most: one for the GET stream, one to poll a stream that the server closed, one that is answered with 405.
    expect(gets, `${name}: ${statuses}`).toBeLessThanOrEqual(3)
  }
}, 60_000)
