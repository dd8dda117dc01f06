/**
 * The Accept headers that clients and browsers send, and what each request gets: a client the same with the page and without it, and
 * a person who opens the address the page.
 */
import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { prefersHtml } from '../../lib/http/prefers-html.ts'
import { page } from '../../lib/page/routes.ts'
import { toNodeHandler } from '../../lib/platform/node/handler.ts'
import { META } from '../../lib/protocol/meta.ts'
import { STATELESS_REVISION } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'

interface Row {
  client: string
  /** Undefined: the client sends none. */
  POST: string | undefined
  GET: string | undefined
  DELETE: string | undefined
  /** Where the values are from. */
  source: string
}

const JSON_FIRST = 'application/json, text/event-stream'
const STREAM_FIRST = 'text/event-stream, application/json'
const STREAM = 'text/event-stream'
const ANY = '*/*'

const TYPESCRIPT_1 = { POST: JSON_FIRST, GET: STREAM, DELETE: ANY }

const CLIENTS: Row[] = [
  {
    client: 'the official TypeScript SDK 1.x',
    ...TYPESCRIPT_1,
    source: 'measured below; the DELETE has what fetch of Node adds',
  },
  {
    client: 'the official TypeScript SDK 2.x',
    POST: JSON_FIRST,
    GET: STREAM,
    DELETE: ANY,
    source: 'measured below',
  },
  {
    client: 'Claude Code',
    ...TYPESCRIPT_1,
    source: 'measured with 2.1.332, which sends POSTs of 2026-07-28 here; GET and DELETE are those of the SDK in it',
  },
  {
    client: 'mcp-remote',
    ...TYPESCRIPT_1,
    source: 'measured with 0.15.1, once it has a session',
  },
  {
    client: 'mcp-remote, which looks first whether there is authorization',
    POST: JSON_FIRST,
    GET: JSON_FIRST,
    DELETE: ANY,
    source: 'measured with 0.15.1: a GET without a session',
  },
  {
    client: 'Cursor, Gemini CLI, LibreChat, the Inspector',
    ...TYPESCRIPT_1,
    source: 'they use the official TypeScript SDK',
  },
  {
    client: 'the official Python SDK 2.x',
    POST: JSON_FIRST,
    GET: JSON_FIRST,
    DELETE: JSON_FIRST,
    source: 'measured with mcp 2.3.0 and httpx2 2.13',
  },
  {
    client: 'the official Python SDK 1.x',
    POST: JSON_FIRST,
    GET: `${JSON_FIRST}, ${STREAM}`,
    DELETE: JSON_FIRST,
    source:
      'src/mcp/client/streamable_http.py: _prepare_headers for all; aconnect_sse of httpx-sse adds a second header to a GET',
  },
  {
    client: 'VS Code',
    POST: STREAM_FIRST,
    GET: STREAM,
    DELETE: ANY,
    source: 'src/vs/workbench/api/common/extHostMcp.ts of microsoft/vscode',
  },
  {
    client: 'the official Go SDK',
    POST: JSON_FIRST,
    GET: STREAM,
    DELETE: undefined,
    source: 'mcp/streamable.go of modelcontextprotocol/go-sdk; net/http adds none',
  },
  {
    client: 'the official Java SDK',
    POST: JSON_FIRST,
    GET: STREAM,
    DELETE: undefined,
    source:
      'HttpClientStreamableHttpTransport.java of modelcontextprotocol/java-sdk, whose first GET may come before there is a session; java.net.http adds none',
  },
  {
    client: 'the official C# SDK',
    POST: JSON_FIRST,
    GET: STREAM,
    DELETE: undefined,
    source: 'StreamableHttpClientSessionTransport.cs of modelcontextprotocol/csharp-sdk; HttpClient adds none',
  },
  {
    client: 'rmcp, the official Rust SDK, and goose',
    POST: STREAM_FIRST,
    GET: STREAM,
    DELETE: ANY,
    source: 'crates/rmcp/src/transport/common/reqwest/streamable_http_client.rs; reqwest adds */* where there is none',
  },
  { client: 'curl', POST: ANY, GET: ANY, DELETE: ANY, source: 'measured below' },
  { client: 'fetch of a web page and of Node', POST: ANY, GET: ANY, DELETE: ANY, source: 'fetch.spec.whatwg.org, 4.1' },
  {
    client: 'EventSource of a web page',
    POST: undefined,
    GET: STREAM,
    DELETE: undefined,
    source: 'html.spec.whatwg.org, 9.2.2',
  },
  {
    client: 'a client that names no types',
    POST: undefined,
    GET: undefined,
    DELETE: undefined,
    source: 'net/http of Go, java.net.http, health checks of load balancers',
  },
]

/** MDN, "List of default Accept values", and what each sends when a person opens an address. */
const NAVIGATIONS: [browser: string, accept: string][] = [
  [
    'Chrome, Edge',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
  ],
  ['Firefox', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Firefox up to 131', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Safari', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Lynx', 'text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01'],
]

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

function start(withPage: boolean): Endpoint {
  const server = new McpServer({ name: 'accepting', version: '1' })
  server.registerTool('quick', {}, () => ({ content: [{ type: 'text', text: 'done' }] }))
  server.registerTool('streams', {}, async (ctx) => {
    await ctx.progress(1, 2)
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const endpoint = createEndpoint(server, { allowedHosts: 'local', ...(withPage && { page }) })
  stops.push(() => endpoint.close())
  return endpoint
}

const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}

interface Sent {
  method: 'POST' | 'GET' | 'DELETE'
  accept: string | undefined
  session?: string | undefined
  body?: object
  headers?: Record<string, string>
}

function send(endpoint: Endpoint, { method, accept, session, body, headers }: Sent): Promise<Response> {
  return endpoint.fetch(
    new Request('http://localhost/mcp', {
      method,
      body: body ? JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }) : null,
      headers: {
        host: 'localhost',
        ...(accept !== undefined && { accept }),
        ...(body && { 'content-type': 'application/json' }),
        ...(session !== undefined && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
        ...headers,
      },
    }),
  )
}

/** The status and the type of a response, and whether it has the result. */
async function seen(response: Response) {
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

const JSON_200 = { status: 200, type: 'application/json', text: expect.stringContaining('"result"') }
const STREAM_200 = { status: 200, type: 'text/event-stream', text: expect.stringContaining('"result"') }

const PLACES = CLIENTS.flatMap((row) => [
  { ...row, place: 'without the page', withPage: false },
  { ...row, place: 'beside the page', withPage: true },
])

describe.each(PLACES)('$client, $place,', ({ POST, GET, DELETE, withPage }) => {
  test('gets JSON for a result alone, and a stream for a call that reports progress', async () => {
    const endpoint = start(withPage)
    const opened = await send(endpoint, { method: 'POST', accept: POST, body: INITIALIZE })
    const session = opened.headers.get('mcp-session-id') ?? ''
    expect(await seen(opened)).toEqual(JSON_200)
    const call = (name: string) => ({
      method: 'tools/call',
      params: { name, arguments: {}, _meta: { progressToken: 'p' } },
    })
    const quick = await send(endpoint, { method: 'POST', accept: POST, session, body: call('quick') })
    expect(await seen(quick)).toEqual(JSON_200)
    const streams = await send(endpoint, { method: 'POST', accept: POST, session, body: call('streams') })
    expect(await seen(streams)).toEqual(STREAM_200)
  })

  test('gets the same without a session', async () => {
    const endpoint = start(withPage)
    const call = (name: string): Sent => ({
      method: 'POST',
      accept: POST,
      body: {
        method: 'tools/call',
        params: {
          name,
          _meta: {
            progressToken: 'p',
            [META.protocolVersion]: STATELESS_REVISION,
            [META.clientInfo]: { name: 'raw', version: '1' },
            [META.clientCapabilities]: {},
          },
        },
      },
      headers: { 'mcp-protocol-version': STATELESS_REVISION, 'mcp-method': 'tools/call', 'mcp-name': name },
    })
    expect(await seen(await send(endpoint, call('quick')))).toEqual(JSON_200)
    expect(await seen(await send(endpoint, call('streams')))).toEqual(STREAM_200)
  })

  test('gets the stream of its session, and 400 for a GET without one', async () => {
    const endpoint = start(withPage)
    const opened = await send(endpoint, { method: 'POST', accept: POST, body: INITIALIZE })
    const session = opened.headers.get('mcp-session-id') ?? ''
    const stream = await send(endpoint, { method: 'GET', accept: GET, session })
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    await stream.body?.cancel()
    expect(await seen(await send(endpoint, { method: 'GET', accept: GET }))).toEqual({
      status: 400,
      type: 'application/json',
      text: expect.stringContaining('Mcp-Session-Id is missing'),
    })
  })

  test('ends its session', async () => {
    const endpoint = start(withPage)
    const opened = await send(endpoint, { method: 'POST', accept: POST, body: INITIALIZE })
    const session = opened.headers.get('mcp-session-id') ?? ''
    expect((await send(endpoint, { method: 'DELETE', accept: DELETE, session })).status).toBe(204)
  })

  test('prefers no page', () => {
    expect([POST, GET, DELETE].map((accept) => prefersHtml(accept))).toEqual([false, false, false])
  })
})

describe.each(NAVIGATIONS)('%s', (_browser, accept) => {
  test('prefers a page when a person opens an address', () => {
    expect(prefersHtml(accept)).toBe(true)
  })

  test('gets the page, and where there is none what every client gets', async () => {
    const page = await send(start(true), { method: 'GET', accept })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect((await send(start(false), { method: 'GET', accept })).status).toBe(400)
  })

  test('gets the stream of a session that it names', async () => {
    const endpoint = start(true)
    const opened = await send(endpoint, { method: 'POST', accept: JSON_FIRST, body: INITIALIZE })
    const session = opened.headers.get('mcp-session-id') ?? ''
    const stream = await send(endpoint, { method: 'GET', accept, session })
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    await stream.body?.cancel()
  })
})

interface Recorder {
  url: URL
  /** By HTTP method. */
  accepts: Map<string, Set<string | undefined>>
  /** Resolves with the first GET: clients open their stream by themselves. */
  opened: Promise<void>
}

/** An endpoint that listens and keeps the Accept header of each request. */
async function listen(): Promise<Recorder> {
  const handler = toNodeHandler(start(true))
  const accepts = new Map<string, Set<string | undefined>>()
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const http = createServer((request: IncomingMessage, response) => {
    const { method = '', headers } = request
    accepts.set(method, (accepts.get(method) ?? new Set()).add(headers.accept))
    if (method === 'GET') open()
    handler(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  stops.push(async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  return { url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`), accepts, opened }
}

const rowOf = (client: string) => {
  const { POST, GET, DELETE } = CLIENTS.find((row) => row.client === client) ?? {}
  return { POST: [POST], GET: [GET], DELETE: [DELETE] }
}

const measured = (accepts: Map<string, Set<string | undefined>>) => {
  return Object.fromEntries([...accepts].map(([method, values]) => [method, [...values]]))
}

describe('the table has what is sent by', () => {
  test('the official TypeScript SDK 1.x', async () => {
    const { url, accepts, opened } = await listen()
    const client = new Client1({ name: 'one', version: '1' })
    const transport = new Transport1(url)
    await client.connect(transport as Parameters<typeof client.connect>[0])
    await client.callTool({ name: 'quick' })
    await opened
    await transport.terminateSession()
    await client.close()
    expect(measured(accepts)).toEqual(rowOf('the official TypeScript SDK 1.x'))
  })

  test('the official TypeScript SDK 2.x', async () => {
    const { url, accepts, opened } = await listen()
    const client = new Client2({ name: 'two', version: '1' })
    const transport = new Transport2(url)
    await client.connect(transport)
    await client.callTool({ name: 'quick' })
    await opened
    await transport.terminateSession()
    await client.close()
    expect(measured(accepts)).toEqual(rowOf('the official TypeScript SDK 2.x'))
  })

  test('curl, and fetch of Node', async () => {
    for (const row of ['curl', 'fetch of a web page and of Node']) {
      const { url, accepts } = await listen()
      for (const method of ['POST', 'GET', 'DELETE']) {
        if (row === 'curl') await promisify(execFile)('curl', ['-s', '-X', method, url.href])
        else await (await fetch(url, { method })).text()
      }
      expect(measured(accepts)).toEqual(rowOf(row))
    }
  })
})
