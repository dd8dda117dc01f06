/** Bodies that are no JSON in UTF-8: each is refused before its request runs, whichever way it was sent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEvent } from '../../lib/platform/lambda/event.ts'
import { EventReader, initialize, type RawSession, type RpcMessage, toolCall } from '../support/raw.ts'
import { type EverythingServer, startEverything } from './everything-server.ts'

let server: EverythingServer
let session: RawSession
let messages: URL
let stream: EventReader

beforeAll(async () => {
  server = await startEverything({ legacySse: true, allowedHosts: undefined })
  session = await initialize(server.url)
  stream = new EventReader(await fetch(new URL('/sse', server.url), { headers: { accept: 'text/event-stream' } }))
  messages = new URL((await stream.next())?.data ?? '', server.url)
})
afterAll(() => {
  stream.drop()
  return server.stop()
})

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const message = (text: string) => Buffer.from(JSON.stringify(toolCall(1, 'echo', { message: text })))
/** The body with these bytes in place of `@`. */
const withBytes = (...bytes: number[]) => {
  const body = message('@')
  const at = body.indexOf('@')
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + 1)])
}

/** The ways in which a body comes to the endpoint. */
type Send = (body: Buffer, headers?: Record<string, string>) => Promise<Response>

const headersOf = (headers: Record<string, string>) => ({
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-session-id': session.id,
  ...headers,
})

const announced: Send = (body, headers = {}) =>
  fetch(server.url, { method: 'POST', headers: headersOf(headers), body: new Uint8Array(body) })

const chunked: Send = (body, headers = {}) => {
  // Each byte is a chunk, so that characters break between chunks.
  const chunks = ReadableStream.from(Array.from(body, (byte) => Uint8Array.of(byte)))
  const init = { method: 'POST', headers: headersOf(headers), body: chunks, duplex: 'half' }
  return fetch(server.url, init as RequestInit)
}

const lambda: Send = async (body, headers = {}) => {
  const event = {
    version: '2.0',
    rawPath: '/mcp',
    rawQueryString: '',
    headers: { host: 'localhost', 'content-length': String(body.length), ...headersOf(headers) },
    requestContext: { stage: '$default', http: { method: 'POST', sourceIp: '127.0.0.1' } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  }
  return server.endpoint.fetch(readEvent(event as never).request)
}

const legacy: Send = (body, headers = {}) =>
  fetch(messages, { method: 'POST', headers: headersOf(headers), body: new Uint8Array(body) })

const WAYS: [string, Send][] = [
  ['with a length', announced],
  ['in chunks', chunked],
  ['in an event of Lambda', lambda],
  ['over HTTP+SSE', legacy],
]

describe.each(WAYS)('a body that comes %s', (way, send) => {
  async function echoed(response: Response): Promise<string> {
    if (way !== 'over HTTP+SSE') {
      const { result } = (await response.json()) as RpcMessage
      return result.content[0].text
    }
    expect(response.status).toBe(202)
    return (await stream.until(({ id }) => id === 1)).message?.result.content[0].text
  }

  test.each([
    ['a byte that begins no character', withBytes(0xff)],
    ['half a character', withBytes(0xc3)],
    ['Latin-1', withBytes(0xe9)],
    ['half of a pair', withBytes(0xed, 0xa0, 0x80)],
    ['an overlong form', withBytes(0xc0, 0xaf)],
    ['UTF-16', Buffer.from(`\ufeff${message('x')}`, 'utf16le')],
  ])('that is not UTF-8 (%s) is 400 -32700 and runs nothing', async (_what, body) => {
    const response = await send(body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: -32700, message: 'The body is not valid UTF-8.' } })
  })

  test('may begin with a byte order mark', async () => {
    expect(await echoed(await send(Buffer.concat([BOM, message('é ✓ 𝄞 \ufffd \ufeff')])))).toBe('é ✓ 𝄞 \ufffd \ufeff')
  })

  test('may not have two byte order marks, or one in the middle', async () => {
    for (const body of [Buffer.concat([BOM, BOM, message('x')]), Buffer.concat([message('x'), BOM])]) {
      const response = await send(body)
      expect([response.status, ((await response.json()) as RpcMessage).error?.code]).toEqual([400, -32700])
    }
  })

  test.each(['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'GZIP'])(
    'is 415 with Content-Encoding %s, and the response names what is accepted',
    async (coding) => {
      const response = await send(message('x'), { 'content-encoding': coding })
      expect(response.status).toBe(415)
      expect(response.headers.get('accept-encoding')).toBe('identity')
      expect(((await response.json()) as RpcMessage).error?.message).toContain('Content-Encoding must be identity')
    },
  )

  test.each(['identity', 'Identity', ''])('is served with Content-Encoding "%s"', async (coding) => {
    expect(await echoed(await send(message('x'), { 'content-encoding': coding }))).toBe('x')
  })

  test.each(['utf-16', 'iso-8859-1', '"latin1"', 'utf-7', ''])('is 415 with the charset %s', async (charset) => {
    const response = await send(message('x'), { 'content-type': `application/json; charset=${charset}` })
    expect(response.status).toBe(415)
    expect(((await response.json()) as RpcMessage).error?.message).toContain('charset')
  })

  test.each([
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json; charset=utf8',
    'application/json; profile=x; charset=utf-8',
    'application/json; profile="a;b"',
  ])('is served as %s', async (type) => {
    expect(await echoed(await send(message('x'), { 'content-type': type }))).toBe('x')
  })
})
