/**
 * Everything that the endpoint says, in every session revision, over three instances: each message has its shape by the
 * official schemas, and nothing in it is newer than its revision.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Fleet } from '../support/fleet.ts'
import { startFleet } from '../support/fleet.ts'
import type { RpcMessage } from '../support/raw.ts'
import { ACCEPT_BOTH, ALL_CAPABILITIES, EventReader, request, toolCall } from '../support/raw.ts'
import { notIn } from './vocabulary.ts'
import { Wire } from './wire.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

/** What a user or a model says to each kind of ask. */
const ANSWERS: Record<string, object> = {
  ping: {},
  'roots/list': { roots: [{ uri: 'file:///home', name: 'home' }] },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'said' } },
  'elicitation/create': { action: 'decline' },
}

/** A client that reads along, and answers what it is asked. */
class Talker {
  readonly wire = new Wire()
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
    return this.wire.fetch(fleet.url, { method: 'POST', headers: this.#headers, body: JSON.stringify(message) })
  }

  /** Opens a stream for what the server says on its own, or for the rest of one that was closed. */
  async listen(lastEventId?: string): Promise<EventReader> {
    const headers = { ...this.#headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
    const abort = new AbortController()
    return new EventReader(await this.wire.fetch(fleet.url, { headers, signal: abort.signal }), abort)
  }

  /** Sends a request, answers what the server asks meanwhile, and comes back for the answer if it has to. */
  async say(method: string, params?: object): Promise<RpcMessage> {
    return this.send(request(++this.#id, method, params))
  }

  async send(message: object): Promise<RpcMessage> {
    const response = await this.#post(message)
    if (response.headers.get('content-type') !== 'text/event-stream') return (await response.json()) as RpcMessage
    let reader = new EventReader(response)
    for (;;) {
      const said = await reader.message()
      if (said && said.method === undefined) return said
      if (said?.id !== undefined) await this.#post({ jsonrpc: '2.0', id: said.id, result: ANSWERS[said.method ?? ''] })
      if (!said) reader = await this.listen(reader.lastId)
    }
  }

  /** All pages of a list. */
  async list<T>(kind: 'tools' | 'prompts' | 'resources' | 'resources/templates'): Promise<T[]> {
    const items: T[] = []
    let cursor: string | undefined
    do {
      const { result } = await this.say(`${kind}/list`, cursor === undefined ? undefined : { cursor })
      items.push(...(Object.values(result as object).find(Array.isArray) as T[]))
      cursor = result.nextCursor
    } while (cursor !== undefined)
    return items
  }
}

/** Arguments for tools that have something to say with them. All tools are called without any, too. */
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

/** What everybody hears of, and what some revisions have in addition. */
const HEARD = [
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

describe.each(REVISIONS)('%s', (version) => {
  const talker = new Talker()

  beforeAll(() => talker.open(version))

  test('every tool, with and without arguments', async () => {
    await talker.say('logging/setLevel', { level: 'debug' })
    const tools = await talker.list<{ name: string }>('tools')
    expect(tools.length).toBeGreaterThan(40)
    const calls = [...CALLS, ...tools.map(({ name }) => [name, {}] as const)]
    for (const [i, [name, args]] of calls.entries()) {
      const answer = await talker.send(toolCall(`tool-${i}`, name, args, { progressToken: `token-${i}` }))
      expect(answer.id).toBe(`tool-${i}`)
    }
    talker.wire.check(version)
  })

  test('every resource, template and prompt, and completions', async () => {
    for (const { uri } of (await talker.list<{ uri: string }>('resources')).slice(0, 10)) {
      await talker.say('resources/read', { uri })
    }
    await talker.list('resources/templates')
    await talker.say('resources/read', { uri: 'test://template/1/data' })
    expect((await talker.say('resources/read', { uri: 'test://nothing' })).error?.code).toBe(-32002)
    const args = { arg1: 'a', arg2: 'b', resourceUri: 'test://static-text' }
    for (const { name } of await talker.list<{ name: string }>('prompts')) {
      await talker.say('prompts/get', { name, arguments: args })
    }
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }
    await talker.say('completion/complete', { ref, argument: { name: 'arg1', value: 'p' } })
    await talker.say('ping')
    talker.wire.check(version)
  })

  test('what the server says on its own', async () => {
    await talker.say('resources/subscribe', { uri: 'test://watched-resource' })
    const stream = await talker.listen()
    // The stream is open from its first byte on; a list change is told to whoever listens then.
    await talker.say('tools/call', { name: 'announce', arguments: { what: 'tools' } })
    await stream.until(({ method }) => method === 'notifications/tools/list_changed')
    await talker.say('tools/call', { name: 'announce', arguments: { what: 'resource' } })
    await stream.until(({ method }) => method === 'notifications/resources/updated')
    stream.drop()
    await talker.say('resources/unsubscribe', { uri: 'test://watched-resource' })
    talker.wire.check(version)
  })

  test('errors', async () => {
    for (const [method, params] of [
      ['no/such', {}],
      ['tools/call', { name: 'none' }],
      ['tools/call', { name: 'protocol_error' }],
      ['tools/list', { cursor: 'invented' }],
      ['prompts/get', { name: 'none' }],
      ['logging/setLevel', { level: 'loud' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'none' }, argument: { name: 'a', value: '' } }],
    ] as const) {
      expect((await talker.say(method, params)).error, method).toBeDefined()
    }
    talker.wire.check(version)
  })

  test('all of that was heard, and nothing that the revision does not have', () => {
    const heard = talker.wire.check(version)
    expect([...heard]).toEqual(expect.arrayContaining(HEARD))
    expect(heard.has('elicitation/create')).toBe(version >= '2025-06-18')
  })
})

test('the check is not blind: what 2025-11-25 gets is refused for each older revision', async () => {
  const talker = new Talker()
  await talker.open('2025-11-25')
  const tools = await talker.say('tools/list')
  const link = await talker.send(toolCall('l', 'link'))
  for (const older of REVISIONS.slice(0, 3)) {
    expect(notIn(older, tools, 'tools/list').join()).toContain('.icons is not in')
    expect(notIn(older, link, 'tools/call').join()).toContain(
      older < '2025-06-18' ? '.type is not in' : '.icons is not in',
    )
  }
  expect(notIn('2025-11-25', tools, 'tools/list')).toEqual([])
  expect(
    notIn('2025-11-25', { ...tools, result: { ...tools.result, resultType: 'complete' } }, 'tools/list'),
  ).toHaveLength(1)
})
