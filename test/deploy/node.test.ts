/** A Node process as in a container: probes, log lines, signals. */
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { call, EventReader, getStream, initialize, post, postStream, toolCall } from '../support/raw.ts'
import { redis, start } from './node-instances.ts'

const status = async (url: URL) => (await fetch(url)).status

test('/healthz answers as long as the process lives', async () => {
  const instance = await start()
  expect(await status(instance.at('/healthz'))).toBe(200)
  redis.pause()
  expect(await status(instance.at('/healthz'))).toBe(200)
})

test('each request is logged as one line of JSON, with the key of its session instead of the id', async () => {
  const instance = await start()
  const session = await initialize(instance.url)
  const headers = { 'x-request-id': 'from-the-load-balancer' }
  await (await post(instance.url, toolCall(1, 'echo', { message: 'hi' }), { session, headers })).text()
  await (await post(instance.url, '{', { session })).text()
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const stateless = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
  await (await post(instance.url, toolCall(1, 'echo', { message: 'hi' }, _meta), { headers: stateless })).text()
  await fetch(instance.at('/nowhere'))
  const lines = await eventually(async () => {
    const requests = instance.log.filter(({ status }) => status !== undefined)
    return requests.length === 6 ? requests : undefined
  })
  const [opened, greeted, called, broken, modern, lost] = lines
  expect(opened).toMatchObject({
    severity: 'INFO',
    http: 'POST',
    method: 'initialize',
    revision: '2025-11-25',
    status: 200,
  })
  expect(greeted).toMatchObject({ method: 'notifications/initialized', status: 202 })
  expect(called).toMatchObject({
    id: 'from-the-load-balancer',
    method: 'tools/call',
    session: opened?.session,
    status: 200,
  })
  expect(called?.ms).toBeGreaterThan(0)
  expect(broken).toMatchObject({ http: 'POST', status: 400 })
  expect(modern).toMatchObject({ method: 'tools/call', revision: '2026-07-28', status: 200 })
  expect(modern).not.toHaveProperty('session')
  expect(lost).toMatchObject({ http: 'GET', status: 404 })
  expect(instance.output.join('\n')).not.toContain(session.id)
  expect(opened?.session).toMatch(/^[\w-]{22}$/)
})

test('the lines of requests can be switched off, and warnings and errors are written all the same', async () => {
  const instance = await start({ LOG: '0' })
  await initialize(instance.url)
  const lines = instance.output.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  expect(lines.map(({ level }) => level)).toEqual(lines.map(() => 'WARNING'))
  expect(lines).toContainEqual(expect.objectContaining({ message: expect.stringContaining('MCP_SECRET') }))
})

test('SIGTERM: running calls get complete responses, streams end with retry, and the exit code is 0', async () => {
  const instance = await start()
  const session = await initialize(instance.url)
  const held = await getStream(instance.url, session)
  await held.next()
  const old = await initialize(instance.url, '2025-06-18')
  const streaming = await postStream(instance.url, toolCall('s', 'gated', { gate: 'term' }, { progressToken: 1 }), {
    session: old,
  })
  await streaming.message()
  const quiet = post(instance.url, toolCall('q', 'gated', { gate: 'term' }), { session, accept: 'application/json' })
  const other = await start()
  await eventually(async () => ((await callsUnderWay()) === 2 ? true : undefined))
  instance.child.kill('SIGTERM')
  await held.rest()
  expect(held.broken).toBe(false)
  expect(held.events.at(-1)?.retry).toBeGreaterThan(0)
  // The instance accepts no connections any more, so another instance opens the gate.
  await eventually(async () => ((await connects(instance.url)) ? undefined : true))
  await call(other.url, await initialize(other.url), toolCall(1, 'user_set', { name: 'gate:term', value: 'open' }))
  const last = (await streaming.rest()).at(-1)
  expect(streaming.broken).toBe(false)
  expect(last).toMatchObject({ id: 's', result: {} })
  expect(await (await quiet).json()).toMatchObject({ id: 'q', result: {} })
  expect(await instance.ended()).toBe(0)
})

test('SIGTERM: a call that takes too long gets an error', async () => {
  const instance = await start({ DRAIN_SECONDS: '0.2' })
  const session = await initialize(instance.url, '2025-06-18')
  const stream = new EventReader(
    await post(instance.url, toolCall('s', 'gated', { gate: 'never' }, { progressToken: 1 }), { session }),
  )
  await stream.message()
  instance.child.kill('SIGTERM')
  const [last] = await stream.rest()
  expect(last).toMatchObject({ id: 's', error: { message: expect.stringContaining('shut down') } })
  expect(await instance.ended()).toBe(0)
})

test('SIGTERM: the process exits although Redis does not answer', async () => {
  const instance = await start({ DRAIN_SECONDS: '0.2' })
  const session = await initialize(instance.url)
  const held = await getStream(instance.url, session)
  await held.next()
  redis.pause()
  instance.child.kill('SIGTERM')
  await held.rest()
  expect(['SIGTERM', 'SIGKILL']).not.toContain(await instance.ended())
})

test('maintenance of the network (SIGTSTP, SIGCONT) stops nothing', async () => {
  const instance = await start()
  const session = await initialize(instance.url)
  instance.child.kill('SIGTSTP')
  expect((await call(instance.url, session, toolCall(1, 'echo', { message: 'on' }))).result.content[0].text).toBe('on')
  instance.child.kill('SIGCONT')
  expect((await call(instance.url, session, toolCall(2, 'count_session'))).result.content[0].text).toBe('1')
})

/** The number of calls in the store. */
async function callsUnderWay(): Promise<number> {
  const client = new Redis(redis.url)
  const live = await client.keys('mcp:*:live')
  const fields = await Promise.all(live.map((key) => client.hkeys(key)))
  client.disconnect()
  return fields.flat().filter((field) => field.startsWith('o:')).length
}

function connects(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
