/**
 * Characters at which other languages split lines (Python's `splitlines`: U+0085, U+2028, U+2029) would break an event in
 * two. No stream has them; the messages still do.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sseMessage } from '../../lib/protocol/sse.ts'
import { body, headers } from '../stateless/requests.ts'
import { ACCEPT_BOTH, call, initialize, openGet, post, type RawSession, request, toolCall } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

const TEXT = 'next line \u0085, line \u2028, paragraph \u2029, both \u2028\u2029, after a backslash \\\u2028, end'
const RAW = /[\u0085\u2028\u2029]/
const log = (id: string) => toolCall(id, 'log', { level: 'error', message: TEXT, times: 2 })

let server: EverythingServer
beforeAll(async () => {
  server = await startEverything({ legacySse: true })
})
afterAll(() => server.stop())

/** The messages of the events of a stream, as a client reads it that splits lines as Python does. */
function messages(text: string): unknown[] {
  expect(text).not.toMatch(RAW)
  const lines = text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
  const data = lines.filter((line) => line.startsWith('data: {'))
  return data.map((line) => JSON.parse(line.slice('data: '.length)))
}

const logged = { method: 'notifications/message', params: { level: 'error', data: TEXT } }

/** Reads until the stream has `ending` or ends, then drops it. */
async function read(response: Response, ending?: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (ending !== undefined && text.includes(ending)) break
  }
  return text
}

describe('no event breaks at a line break of another language', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'on the stream of a call in %s',
    async (version) => {
      const session = await initialize(server.url, version)
      const found = messages(await read(await post(server.url, log('a'), { session })))
      expect(found).toMatchObject([logged, logged, { id: 'a' }])
    },
  )

  test('on the stream of a stateless call', async () => {
    const described = {
      method: 'tools/call',
      params: { name: 'log', arguments: { level: 'error', message: TEXT } },
      meta: { 'io.modelcontextprotocol/logLevel': 'debug' },
    }
    const response = await post(server.url, body(described), { headers: headers(described) })
    expect(messages(await read(response))[0]).toMatchObject(logged)
  })

  test('in a response to a client that takes streams alone', async () => {
    const session = await initialize(server.url)
    const echo = toolCall(1, 'echo', { message: TEXT })
    const response = await post(server.url, echo, { session, accept: 'text/event-stream' })
    expect(messages(await read(response))).toMatchObject([{ result: { content: [{ text: TEXT }] } }])
  })

  test('on the stream of a batch', async () => {
    const session = await initialize(server.url, '2025-03-26')
    const found = messages(await read(await post(server.url, [log('a'), log('b')], { session })))
    expect(found.filter((message) => JSON.stringify(message).includes('notifications/message'))).toHaveLength(4)
  })

  test('where a stream is resumed', async () => {
    const session = await initialize(server.url)
    const text = await read(await post(server.url, log('a'), { session }))
    const [, first] = /^id: (.+)$/m.exec(text) ?? []
    const resumed = await openGet(server.url, session, first)
    expect(resumed.status).toBe(200)
    expect(messages(await read(resumed))[0]).toMatchObject(logged)
  })

  async function updated(session: RawSession): Promise<string> {
    const uri = `test://watched-${TEXT}`
    await call(server.url, session, request(1, 'resources/subscribe', { uri }))
    const stream = await openGet(server.url, session)
    await call(server.url, session, toolCall(2, 'announce', { what: 'resource', uri }))
    return read(stream, 'notifications/resources/updated')
  }

  test('on GET', async () => {
    const [update] = messages(await updated(await initialize(server.url)))
    expect(update).toMatchObject({ params: { uri: `test://watched-${TEXT}` } })
  })

  test('on HTTP+SSE', async () => {
    const abort = new AbortController()
    const stream = await fetch(new URL('/sse', server.url), { headers: { accept: ACCEPT_BOTH }, signal: abort.signal })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const until = async (ending: string) => {
      while (!text.includes(ending)) text += (await reader?.read())?.value ?? ''
    }
    await until('\n\n')
    const address = new URL(/data: (.+)/.exec(text)?.[1] ?? '', server.url)
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    await post(address, request(0, 'initialize', params))
    await post(address, log('last'))
    await until('"id":"last"')
    abort.abort()
    expect(messages(text).slice(1)).toMatchObject([logged, logged, { id: 'last' }])
  })
})

test('a stored text with such characters is escaped when it is sent, once', () => {
  const text = JSON.stringify({ text: TEXT, escaped: '\\u2028' })
  const event = sseMessage(text, 'id')
  expect(messages(event)).toEqual([{ text: TEXT, escaped: '\\u2028' }])
  expect(sseMessage('{"text":"plain é 日本"}')).toBe('event: message\ndata: {"text":"plain é 日本"}\n\n')
})
