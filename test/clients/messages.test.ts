/**
 * All kinds of messages that three instances send in each session revision: each message is valid by the official
 * schemas, and none of its members is newer than the revision of the session.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { ACCEPT_BOTH, ALL_CAPABILITIES, EventReader, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { MessageRecorder } from './message-recorder.ts'
import { notInRevision } from './revision-members.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

/** The client's result for each kind of ask. */
const ANSWERS: Record<string, object> = {
  ping: {},
  'roots/list': { roots: [{ uri: 'file:///home', name: 'home' }] },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'an answer' } },
  'elicitation/create': { action: 'decline' },
}

/** A client that records the messages of the endpoint and answers its asks. */
class RecordingClient {
  readonly recorder = new MessageRecorder()
  readonly #headers: Record<string, string> = { 'content-type': 'application/json', accept: ACCEPT_BOTH }
  #id = 0

  async open(version: string): Promise<void> {
    const params = { protocolVersion: version, capabilities: ALL_CAPABILITIES, clientInfo: { name: 't', version: '1' } }
    const response = await this.#post(request(0, 'initialize', params))
    this.#headers['mcp-session-id'] = response.headers.get('mcp-session-id') ?? ''
    this.#headers['mcp-protocol-version'] = version
    expect(((await response.json()) as RpcMessage).result.protocolVersion).toBe(version)
    expect((await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202)
  }

  #post(message: object): Promise<Response> {
    return this.recorder.fetch(fleet.url, { method: 'POST', headers: this.#headers, body: JSON.stringify(message) })
  }

  /** Opens the GET stream, or resumes a stream that was closed. */
  async listen(lastEventId?: string): Promise<EventReader> {
    const headers = { ...this.#headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
    const abort = new AbortController()
    return new EventReader(await this.recorder.fetch(fleet.url, { headers, signal: abort.signal }), abort)
  }

  async request(method: string, params?: object): Promise<RpcMessage> {
    return this.send(request(++this.#id, method, params))
  }

  /** Sends a request, answers asks meanwhile, and resumes the stream until the response is there. */
  async send(message: object): Promise<RpcMessage> {
    const response = await this.#post(message)
    if (response.headers.get('content-type') !== 'text/event-stream') return (await response.json()) as RpcMessage
    let reader = new EventReader(response)
    for (;;) {
      const received = await reader.message()
      if (!received) reader = await this.listen(reader.lastId)
      else if (received.method === undefined) return received
      else if (received.id !== undefined) {
        await this.#post({ jsonrpc: '2.0', id: received.id, result: ANSWERS[received.method] })
      }
    }
  }

  /** Reads all pages of a list. */
  async list<T>(kind: 'tools' | 'prompts' | 'resources' | 'resources/templates'): Promise<T[]> {
    const items: T[] = []
    let cursor: string | undefined
    do {
      const { result } = await this.request(`${kind}/list`, cursor === undefined ? undefined : { cursor })
      items.push(...(Object.values(result as object).find(Array.isArray) as T[]))
      cursor = result.nextCursor
    } while (cursor !== undefined)
    return items
  }
}

/** Calls with arguments. All tools are also called without arguments. */
const CALLS: [name: string, args: object][] = [
  ['echo', { message: 'x' }],
  ['progress', { n: 3 }],
  ['structured', { a: 1, b: 2 }],
  ['fail', { message: 'as told' }],
  ['log', { level: 'error', message: 'm' }],
  ['test_sampling', { prompt: 'p' }],
  ['test_elicitation', { message: 'm' }],
  ['ask_url', { id: 'an-elicitation' }],
  ['remember', { name: 'n', value: 'v' }],
]

/** Answered methods and received messages in every revision. */
const RECEIVED = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'notifications/progress',
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/resources/updated',
  'sampling/createMessage',
  'roots/list',
]

describe.each(REVISIONS)('messages of %s are valid', (version) => {
  const client = new RecordingClient()

  beforeAll(() => client.open(version))

  test('for every tool, with and without arguments', async () => {
    await client.request('logging/setLevel', { level: 'debug' })
    const tools = await client.list<{ name: string }>('tools')
    expect(tools.length).toBeGreaterThan(40)
    const calls = [...CALLS, ...tools.map(({ name }) => [name, {}] as const)]
    for (const [i, [name, args]] of calls.entries()) {
      const answer = await client.send(toolCall(`tool-${i}`, name, args, { progressToken: `token-${i}` }))
      expect(answer.id).toBe(`tool-${i}`)
    }
    client.recorder.check(version)
  })

  test('for resources, templates, prompts and completions', async () => {
    for (const { uri } of (await client.list<{ uri: string }>('resources')).slice(0, 10)) {
      await client.request('resources/read', { uri })
    }
    await client.list('resources/templates')
    await client.request('resources/read', { uri: 'test://template/1/data' })
    expect((await client.request('resources/read', { uri: 'test://nothing' })).error?.code).toBe(-32002)
    const args = { arg1: 'a', arg2: 'b', resourceUri: 'test://static-text' }
    for (const { name } of await client.list<{ name: string }>('prompts')) {
      await client.request('prompts/get', { name, arguments: args })
    }
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }
    await client.request('completion/complete', { ref, argument: { name: 'arg1', value: 'p' } })
    await client.request('ping')
    client.recorder.check(version)
  })

  test('for notifications on the GET stream', async () => {
    await client.request('resources/subscribe', { uri: 'test://watched-resource' })
    const stream = await client.listen()
    // The stream receives changes from its first byte on.
    await client.request('tools/call', { name: 'announce', arguments: { what: 'tools' } })
    await stream.until(({ method }) => method === 'notifications/tools/list_changed')
    await client.request('tools/call', { name: 'announce', arguments: { what: 'resource' } })
    await stream.until(({ method }) => method === 'notifications/resources/updated')
    stream.drop()
    await client.request('resources/unsubscribe', { uri: 'test://watched-resource' })
    client.recorder.check(version)
  })

  test('for errors', async () => {
    for (const [method, params] of [
      ['no/such', {}],
      ['tools/call', { name: 'none' }],
      ['tools/call', { name: 'protocol_error' }],
      ['tools/list', { cursor: 'invented' }],
      ['prompts/get', { name: 'none' }],
      ['logging/setLevel', { level: 'loud' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'none' }, argument: { name: 'a', value: '' } }],
    ] as const) {
      expect((await client.request(method, params)).error, method).toBeDefined()
    }
    client.recorder.check(version)
  })

  test('and include every kind of message, elicitation from 2025-06-18 on', () => {
    const received = client.recorder.check(version)
    expect([...received]).toEqual(expect.arrayContaining(RECEIVED))
    expect(received.has('elicitation/create')).toBe(version >= '2025-06-18')
  })
})

test('the check reports messages of 2025-11-25 as invalid in each older revision', async () => {
  const client = new RecordingClient()
  await client.open('2025-11-25')
  const tools = await client.request('tools/list')
  const link = await client.send(toolCall('l', 'link'))
  for (const older of REVISIONS.slice(0, 3)) {
    expect(notInRevision(older, tools, 'tools/list').join()).toContain('.icons is not in')
    expect(notInRevision(older, link, 'tools/call').join()).toContain(
      older < '2025-06-18' ? '.type is not in' : '.icons is not in',
    )
  }
  expect(notInRevision('2025-11-25', tools, 'tools/list')).toEqual([])
  expect(
    notInRevision('2025-11-25', { ...tools, result: { ...tools.result, resultType: 'complete' } }, 'tools/list'),
  ).toHaveLength(1)
})
