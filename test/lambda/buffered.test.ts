/** Gateways that do not stream: the endpoint announces only features that work there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sessionClients, statelessClient } from '../deploy/clients.ts'
import { initialize, post, request, toolCall } from '../support/raw.ts'
import { readEmf } from '../telemetry/emf-schema.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda } from './emulator.ts'

let tests: LambdaTests
beforeAll(async () => {
  tests = await lambdaTests()
})
afterAll(() => tests.stop())

const handler = 'lambda-buffered.handler'
const STATELESS = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

describe.each(['http', 'alb'] as const)('behind %s', (front) => {
  let lambda: Lambda
  beforeAll(async () => {
    // Calls end two seconds before the limit.
    lambda = await tests.start({
      front,
      handler,
      limit: 6,
      env: { RESPONSE_LIMIT_SECONDS: '4', METRICS_NAMESPACE: 'Everything' },
    })
  })

  test('each invocation has written its metrics to the log when it ends', async () => {
    await initialize(lambda.url)
    const lines = lambda.environments.flatMap(({ log }) => log.filter((line) => line.startsWith('{"_aws"')))
    expect(lines.map(readEmf)).toContainEqual(
      expect.objectContaining({ FunctionName: 'mcp', method: 'initialize', outcome: 'ok' }),
    )
  })

  test.each(Object.entries({ ...sessionClients, '2.x stateless': statelessClient }))(
    'client %s initializes, lists and calls, on every instance',
    async (_, connect) => {
      const client = await connect(lambda.url)
      expect(await client.tools()).toContain('echo')
      const pids = new Set<unknown>()
      while (pids.size < 3) pids.add((JSON.parse(await client.call('whoami')) as { pid: number }).pid)
      await client.close()
    },
  )

  test('initialize announces only capabilities that work without streams', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const response = await post(lambda.url, request(1, 'initialize', params))
    const { result } = (await response.json()) as { result: { capabilities: object } }
    const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
    expect(result.capabilities).toEqual({ tools: {}, prompts: {}, resources: {}, completions: {}, tasks })
  })

  test('server/discover announces the same, and subscriptions/listen is not served', async () => {
    const ask = (method: string, params: object = {}) =>
      post(lambda.url, request(1, method, { ...params, _meta: STATELESS }), {
        headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
      })
    const { result } = (await (await ask('server/discover')).json()) as { result: { capabilities: object } }
    const extensions = { 'io.modelcontextprotocol/tasks': {} }
    expect(result.capabilities).toEqual({ tools: {}, prompts: {}, resources: {}, completions: {}, extensions })
    const listen = await ask('subscriptions/listen', { notifications: { toolsListChanged: true } })
    expect(listen.status).toBe(404)
    expect(await listen.json()).toMatchObject({ error: { code: -32601 } })
  })

  test('a stateless client can be asked, because that needs no stream', async () => {
    const client = await statelessClient(lambda.url, () => ({ username: 'ada', email: 'a@b.c' }))
    expect(await client.call('test_elicitation', { message: 'Who?' })).toContain('"username":"ada"')
    await client.close()
  })

  test('a call with progress answers JSON also to clients that accept a stream', async () => {
    const session = await initialize(lambda.url)
    for (const accept of ['application/json, text/event-stream', 'text/event-stream', '*/*']) {
      const message = toolCall(1, 'progress', { n: 3 }, { progressToken: 1 })
      const response = await post(lambda.url, message, { session, accept })
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(await response.json()).toMatchObject({ id: 1, result: { content: [{ type: 'text' }] } })
    }
  })

  test.each([undefined, 'an-event-id'])('GET is refused (Last-Event-ID: %s)', async (id) => {
    const session = await initialize(lambda.url)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id, ...(id && { 'last-event-id': id }) }
    const response = await fetch(lambda.url, { headers })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST, DELETE')
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: {} })
  })

  test('a call that takes too long ends with an error before the time limit of the gateway', async () => {
    const session = await initialize(lambda.url)
    const response = await post(lambda.url, toolCall('long', 'slow', { ms: 60_000 }), { session })
    expect(response.status).toBe(200)
    const error = { code: -32603, message: expect.stringMatching(/not done when the time was over/) }
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 'long', error })
  })

  test('DELETE ends the session', async () => {
    const session = await initialize(lambda.url)
    const headers = { 'mcp-session-id': session.id }
    expect((await fetch(lambda.url, { method: 'DELETE', headers })).status).toBe(204)
    expect((await post(lambda.url, toolCall(1, 'whoami'), { session })).status).toBe(404)
  })
})
