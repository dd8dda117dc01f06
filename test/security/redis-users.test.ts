/**
 * The two users of Redis that infra/aws makes: their rights are enough for everything that an endpoint does, and the password of one
 * is changed while the other is in use.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { ask } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { call, EventReader, initialize, openGet, post, postStream, request, toolCall } from '../support/raw.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const { derivedFrom } = createRequire(import.meta.url)('../../infra/aws/parameters.cjs') as {
  derivedFrom(params: object): { cacheAccess: string }
}
const { cacheAccess } = derivedFrom({})
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
const server = new McpServer({ name: 'users', version: '1' })
server.registerTool('count', {}, async (ctx) => {
  const n = ((await ctx.session?.get('n')) as number | undefined) ?? 0
  await ctx.session?.set('n', n + 1)
  return text(String(n + 1))
})
server.registerTool('confirm', { durable: true, task: 'optional' }, async (ctx) => {
  const kept = await ctx.once('step', () => 'kept')
  await ctx.progress(1, 2)
  const { content } = await ctx.elicit('Sure?', z.object({ sure: z.boolean() }), { key: 'sure' })
  await ctx.once('last', () => 1, { single: true })
  return text(`${kept} ${content?.sure}`)
})

let redis: RedisServer
let admin: Redis
const running = new Set<() => Promise<void>>()
beforeAll(async () => {
  const user = (name: string, password: string) => ['--user', name, ...cacheAccess.split(' '), `>${password}`]
  redis = await startRedis({ args: [...user('mcp-a', 'one'), ...user('mcp-b', 'two')] })
  admin = new Redis(redis.url)
})
afterEach(async () => {
  await Promise.all([...running].map((stop) => stop()))
})
afterAll(async () => {
  admin.disconnect()
  await redis.stop()
})

async function start(user: string, password: string) {
  const address = new URL(redis.url)
  Object.assign(address, { username: user, password })
  const endpoint = createEndpoint(server, {
    store: redisStore(address.href),
    allowedHosts: '*',
    keys: [Buffer.alloc(32, 'k')],
    session: { suspendAfter: 100, retry: 50, drainTimeout: 1_000 },
    onError: () => {},
  })
  const http = createAdaptorServer({ fetch: endpoint.fetch })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const stop = async () => {
    running.delete(stop)
    http.close()
    await endpoint.close()
  }
  running.add(stop)
  return { url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`), stop }
}

test('sessions, streams, suspended calls and tasks need no other rights', async () => {
  const [one, two] = await Promise.all([start('mcp-a', 'one'), start('mcp-b', 'two')])
  const session = await initialize(one.url)
  expect((await call(two.url, session, toolCall(1, 'count'))).result.content[0].text).toBe('1')

  const stream = await postStream(one.url, toolCall(2, 'confirm', {}, { progressToken: 2 }), { session })
  const asked = await stream.until(({ method }) => method === 'elicitation/create')
  // It is suspended.
  await stream.rest()
  const answer = { jsonrpc: '2.0', id: asked.message?.id, result: { action: 'accept', content: { sure: true } } }
  await post(two.url, answer, { session })
  let last = stream.lastId
  const response = await eventually(async () => {
    const poll = new EventReader(await openGet(two.url, session, last))
    const messages = await poll.rest()
    last = poll.lastId ?? last
    return messages.find(({ id }) => id === 2)
  })
  expect(response.result.content[0].text).toBe('kept true')

  const capabilities = { elicitation: { form: {} }, ...TASKS }
  const send = (url: URL, method: string, params: Record<string, unknown>) =>
    ask(url, { method, params, capabilities }, { headers: { 'mcp-name': String(params.taskId ?? params.name) } })
  const { taskId } = (await send(one.url, 'tools/call', { name: 'confirm', arguments: {} })).result
  const until = (status: string) =>
    eventually(async () => {
      const { result } = await send(two.url, 'tasks/get', { taskId })
      return result.status === status ? result : undefined
    })
  await until('input_required')
  await send(two.url, 'tasks/update', {
    taskId,
    inputResponses: { sure: { action: 'accept', content: { sure: true } } },
  })
  expect((await until('completed')).result.content[0].text).toBe('kept true')
  await call(one.url, session, request(3, 'ping'))

  const denied = (await admin.call('ACL', 'LOG')) as unknown[]
  expect(denied).toEqual([])
})

test('the password of the user that is not in use is changed, and no request fails while instances change to it', async () => {
  const old = await start('mcp-a', 'one')
  const session = await initialize(old.url)
  const open = new Set([old])
  const failures: string[] = []
  let served = 0
  let over = false
  const traffic = (async () => {
    for (let n = 1; !over; n++) {
      for (const { url } of open) {
        const response = await post(url, toolCall(n, 'count'), { session }).catch(String)
        if (typeof response === 'string' || response.status !== 200) failures.push(String(response))
        if (typeof response !== 'string') await response.text()
        served++
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  const further = async () => {
    const enough = served + 20
    await eventually(async () => (served >= enough ? true : undefined))
  }
  const change = (user: string, password: string) => admin.call('ACL', 'SETUSER', user, 'resetpass', `>${password}`)

  await further()
  await change('mcp-b', 'new')
  await further()
  const next = await start('mcp-b', 'new')
  open.add(next)
  await further()
  open.delete(old)
  await further()
  await old.stop()
  // The other one is free now, and gets a new password the next time.
  await change('mcp-a', 'newer')
  await further()
  over = true
  await traffic
  expect(failures).toEqual([])

  // What happens with one user: connections that are made again are refused.
  await change('mcp-b', 'another')
  await admin.call('CLIENT', 'KILL', 'USER', 'mcp-b')
  await eventually(async () =>
    (await post(next.url, toolCall(1, 'count'), { session })).status === 503 ? true : undefined,
  )
})
