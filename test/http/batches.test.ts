/** Several messages in one POST, which only 2025-03-26 has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawSession, RpcMessage } from '../support/raw.ts'
import { EventReader, initialize, post, postStream, request, toolCall } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

let server: EverythingServer
let session: RawSession

beforeAll(async () => {
  server = await startEverything({
    http: { maxBatch: 5 },
    session: { maxCalls: 2, registerAfter: 20, streamAfter: 100 },
  })
  session = await initialize(server.url, '2025-03-26')
})
afterAll(() => server.stop())

const one = request(1, 'ping')
const two = toolCall('2', 'echo', { message: 'b' })
const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
const answer = { jsonrpc: '2.0', id: 'nobody asked', result: {} }
const talks = (id: string | number) => toolCall(id, 'progress', { n: 3, delayMs: 5 }, { progressToken: String(id) })

const answers = (messages: RpcMessage[]) => messages.filter(({ method }) => method === undefined)

describe('a batch is answered', () => {
  test('with an array that has an answer for each request', async () => {
    const response = await post(server.url, [one, note, answer, two], { session })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(((await response.json()) as RpcMessage[]).map(({ id }) => id)).toEqual([1, '2'])
  })

  test('with an array where it has one request', async () => {
    expect(await (await post(server.url, [one], { session })).json()).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
  })

  test('with an array to a client that takes only JSON, even if its calls send notifications', async () => {
    const response = await post(server.url, [one, talks(3)], { session, accept: 'application/json' })
    expect(((await response.json()) as RpcMessage[]).map(({ id }) => id)).toEqual([1, 3])
  })

  test('with errors for the requests that fail, and results for the others', async () => {
    const response = await post(server.url, [request('x', 'no/such'), two], { session })
    const [failed, done] = (await response.json()) as RpcMessage[]
    expect([failed?.id, failed?.error?.code, done?.id]).toEqual(['x', -32601, '2'])
  })

  test.each([
    ['notifications', [note, note]],
    ['responses', [answer, answer]],
    ['both', [answer, note]],
  ])('with 202 and no body where it has only %s', async (_what, body) => {
    const response = await post(server.url, body, { session })
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  test('on one stream as soon as one of its calls sends a message', async () => {
    const messages = await (await postStream(server.url, [one, talks(3), two], { session })).rest()
    expect(messages.filter(({ method }) => method === 'notifications/progress')).toHaveLength(3)
    expect(new Set(answers(messages).map(({ id }) => id))).toEqual(new Set([1, 3, '2']))
  })
})

describe('an id that occurs twice in a batch', () => {
  test('is answered twice where the answer is JSON', async () => {
    const response = await post(server.url, [one, one], { session })
    expect(((await response.json()) as RpcMessage[]).map(({ id }) => id)).toEqual([1, 1])
  })

  test('has two results on a stream, which ends', async () => {
    const messages = await (await postStream(server.url, [talks(3), talks(3)], { session })).rest()
    expect(answers(messages).map(({ id, result }) => [id, result.content[0].type])).toEqual([
      [3, 'text'],
      [3, 'text'],
    ])
  })

  test('has two results where both calls began before the stream', async () => {
    const slow = toolCall('slow', 'slow', { ms: 150 })
    const messages = await (await postStream(server.url, [slow, slow], { session })).rest()
    expect(answers(messages).map(({ id, error }) => [id, error])).toEqual([
      ['slow', undefined],
      ['slow', undefined],
    ])
  })

  test('does not disturb the other requests of the batch', async () => {
    const messages = await (await postStream(server.url, [talks(3), two, talks(3)], { session })).rest()
    const [other] = answers(messages).filter(({ id }) => id === '2')
    expect(other?.result.content[0].text).toBe('b')
  })
})

test('each call beyond the limit of a session is refused, and the stream ends', async () => {
  const messages = await (await postStream(server.url, ['a', 'b', 'c'].map(talks), { session })).rest()
  expect(new Set(answers(messages).map(({ id }) => id))).toEqual(new Set(['a', 'b', 'c']))
  expect(answers(messages).filter(({ error }) => error)).toMatchObject([{ error: { code: -32000 } }])
})

describe('a batch is 400, and none of its messages is processed,', () => {
  const keep = toolCall('keep', 'remember', { name: 'kept', value: 'yes' })
  test.each<[string, unknown[]]>([
    ['when it is empty', []],
    ['when it is too long', [keep, ...[2, 3, 4, 5, 6].map((id) => request(id, 'ping'))]],
    ['with initialize in it', [keep, request(9, 'initialize', { protocolVersion: '2025-03-26' })]],
    ['with something that is no message', [keep, 7]],
    ['with an array in it', [keep, [one]]],
    ['with the id null in it', [keep, { ...one, id: null }]],
  ])('%s', async (_what, body) => {
    const response = await post(server.url, body, { session })
    const refused = (await response.json()) as RpcMessage
    expect([response.status, refused.error?.code]).toEqual([400, -32600])
    const recalled = await post(server.url, toolCall(1, 'recall', { name: 'kept' }), { session })
    expect(((await recalled.json()) as RpcMessage).result.content[0].text).toBe('null')
  })

  test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('in %s', async (version) => {
    const other = await initialize(server.url, version)
    for (const body of [[one], [note], [one, two]]) {
      const response = await post(server.url, body, { session: other })
      expect([response.status, ((await response.json()) as RpcMessage).error?.code]).toEqual([400, -32600])
    }
  })
})

test('the endpoint holds no call and no connection when all batches are answered', async () => {
  await new EventReader(await post(server.url, [talks(1), talks(1), one], { session })).rest()
  await server.endpoint.settled()
  expect(server.endpoint.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
})
