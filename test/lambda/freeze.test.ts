/** Environments that were frozen for minutes while their connections broke: they serve the next request at once. */

import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { TcpProxy } from '../store/tcp-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { call, EventReader, getStream, initialize, post, type RawSession, toolCall } from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda } from './emulator.ts'

let tests: LambdaTests
let network: TcpProxy
let watcher: Redis

beforeAll(async () => {
  tests = await lambdaTests()
  network = await TcpProxy.start(tests.redis.port)
  watcher = new Redis(tests.redis.url)
})
afterAll(async () => {
  watcher.disconnect()
  await tests.stop()
  await network.close()
})

let lambda: Lambda
async function start(size: number): Promise<Lambda> {
  lambda = await tests.start({ size, limit: size, env: { REDIS_URL: network.url } })
  return lambda
}
afterEach(async () => {
  expect(lambda.lost()).toEqual([])
  await lambda.stop()
})

/** All environments are frozen, `ms` pass, and `happens` does something to the network. */
async function sleep(ms: number, happens: () => void): Promise<void> {
  await lambda.quiet()
  for (const environment of lambda.environments) environment.moveClock(ms)
  happens()
}

const count = async (session: RawSession) =>
  (await call(lambda.url, session, toolCall(1, 'count_session'))).result?.content[0].text

describe.each([
  ['cut', 5 * 60_000, () => network.reset()],
  ['silently dropped', 5 * 60_000, () => network.blackhole()],
  ['silently dropped a moment ago', 0, () => network.blackhole()],
])('connections to Redis %s', (_, slept, fail) => {
  test('fail no request in any of three environments', async () => {
    await start(3)
    const session = await initialize(lambda.url)
    for (let i = 1; i <= 3; i++) expect(await count(session)).toBe(`${i}`)
    await sleep(slept, fail)
    for (let i = 4; i <= 9; i++) expect(await count(session)).toBe(`${i}`)
    expect(lambda.requests.every(({ status }) => status < 300)).toBe(true)
  })

  test('fail no call that asks and gets its answer through another environment', async () => {
    await start(2)
    const session = await initialize(lambda.url)
    await count(session)
    await sleep(slept, fail)
    const asking = new EventReader(await post(lambda.url, toolCall('a', 'ask'), { session }))
    const { message } = await asking.until(({ method }) => method === 'elicitation/create')
    const answer = { jsonrpc: '2.0', id: message?.id, result: { action: 'accept', content: { number: 3 } } }
    expect((await post(lambda.url, answer, { session })).status).toBe(202)
    const last = (await asking.rest()).at(-1)
    expect(JSON.parse(last?.result.content[0].text)).toEqual({ action: 'accept', content: { number: 3 } })
  })
})

test('a stream that opens after the freeze delivers a change that was announced before it', async () => {
  await start(2)
  const session = await initialize(lambda.url)
  await (await getStream(lambda.url, session)).rest()
  await call(lambda.url, session, toolCall(1, 'announce', { what: 'tools' }))
  await sleep(5 * 60_000, () => network.blackhole())
  const stream = await getStream(lambda.url, session)
  expect((await stream.rest()).map(({ method }) => method)).toEqual(['notifications/tools/list_changed'])
  expect(stream.events.at(-1)?.retry).toEqual(about(15_000))
})

test('a stream that was interrupted before the freeze is resumed after it', async () => {
  await start(2)
  const session = await initialize(lambda.url)
  const reader = new EventReader(
    await post(lambda.url, toolCall('p', 'progress', { n: 5 }, { progressToken: 1 }), { session }),
  )
  const second = await reader.until(({ params }) => params?.progress === 2)
  reader.drop()
  // Lambda does not inform the function that its client disconnected.
  await sleep(5 * 60_000, () => network.blackhole())
  const rest = await (await getStream(lambda.url, session, second.id)).rest()
  expect(rest.map(({ params }) => params?.progress)).toEqual([3, 4, 5, undefined])
})

describe('connections to Redis of one environment', () => {
  const connections = async () => {
    const clients = (await watcher.client('LIST')) as string
    return clients.split('\n').filter((line) => line.includes('id=') && !line.includes('cmd=client')).length
  }

  test('are one, two while a call waits for its client, and one again', async () => {
    await start(2)
    const session = await initialize(lambda.url)
    await count(session)
    await lambda.quiet()
    // One for each environment.
    expect(await connections()).toBe(2)
    const asking = new EventReader(await post(lambda.url, toolCall('a', 'ask'), { session }))
    const { message } = await asking.until(({ method }) => method === 'elicitation/create')
    expect(await connections()).toBe(3)
    const answer = { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } }
    await post(lambda.url, answer, { session })
    await asking.rest()
    await lambda.quiet()
    // The waiting connection is closed before the environment is frozen; Redis notices that a moment later.
    await eventually(async () => ((await connections()) === 2 ? true : undefined))
  })

  test('are one that is opened while it starts, and no other for a call that needs no state', async () => {
    await start(1)
    await eventually(async () => ((await connections()) === 1 ? true : undefined))
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
    const response = await post(lambda.url, toolCall(1, 'echo', { message: 'hi' }, _meta), { headers })
    expect(await response.json()).toMatchObject({ result: { content: [{ text: 'hi' }] } })
    expect(await connections()).toBe(1)
  })
})

test('work that a tool leaves is done before its environment is frozen, and after its response', async () => {
  await start(2)
  const session = await initialize(lambda.url)
  const left = (await call(lambda.url, session, toolCall(1, 'leave', { ms: 300, label: 'frozen' }))).result
  expect(left.content[0].text).toMatch(/^left by/)
  await lambda.quiet()
  // One of the two environments did not leave the work, and the other one is frozen meanwhile.
  for (let i = 2; i <= 3; i++) {
    const { result } = await call(lambda.url, session, toolCall(i, 'user_get', { name: 'left:frozen' }))
    expect(left.content[0].text).toBe(`left by ${result.content[0].text}`)
  }
})
