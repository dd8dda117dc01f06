/**
 * Other callers try everything that belongs to one caller, on three instances. Their responses are byte for byte those
 * for something that never existed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Signer } from '../support/authorization.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

const RESOURCE = 'https://mcp.example/mcp'
let fleet: Fleet
let signer: Signer
let elsewhere: Signer

beforeAll(async () => {
  signer = await Signer.create('https://as.example', RESOURCE)
  elsewhere = await Signer.create('https://tenant-two.example', RESOURCE)
  fleet = await startFleet({
    legacySse: true,
    auth: {
      issuer: [signer.issuer, elsewhere.issuer],
      resource: RESOURCE,
      jwks: { [signer.issuer]: signer.keys, [elsewhere.issuer]: elsewhere.keys },
      tenantClaim: 'org_id',
    },
  })
})
afterAll(() => fleet.stop())

type Token = string | undefined
const owner = () => signer.token({ org_id: 'one' })

/** The other callers. */
const STRANGERS: [string, () => Promise<Token>][] = [
  ['another user', () => signer.token({ org_id: 'one', sub: 'eve' })],
  ['the same user with another client', () => signer.token({ org_id: 'one', client_id: 'other-app' })],
  ['the same name in another tenant', () => signer.token({ org_id: 'two' })],
  ['the same name without a tenant', () => signer.token()],
  ['the same name at another issuer', () => elsewhere.token({ org_id: 'one' })],
  ['nobody', async () => undefined],
  ['somebody with an expired token of the owner', () => signer.token({ org_id: 'one' }, { expiresIn: -60 })],
]

interface Send {
  token: Token
  at: number
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: object
}

let turn = 0
/** Each request goes to the next instance, unless the test names one. */
const next = () => turn++ % 3

async function send({ token, at, method = 'POST', path = '/mcp', headers = {}, body }: Send): Promise<Response> {
  return fetch(new URL(path, fleet.at(at)), {
    method,
    ...(body && { body: JSON.stringify(body) }),
    headers: {
      accept: method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH,
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  })
}

/** Something that belongs to the owner, and its name. `forget` removes it, so that only the name is left. */
interface Thing {
  session: string
  lastEventId: string
  ask: string
  legacy: string
  handle: string
  state: string
}

const open: { reader: EventReader }[] = []

async function openSession(token: Token, version = '2025-11-25'): Promise<string> {
  const params = {
    protocolVersion: version,
    capabilities: { elicitation: { form: {} } },
    clientInfo: { name: 't', version: '1' },
  }
  const response = await send({ token, at: next(), body: request(0, 'initialize', params) })
  expect(response.status).toBe(200)
  await response.text()
  return response.headers.get('mcp-session-id') ?? ''
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
}

function stateless(token: Token, name: string, args: object, more: object = {}): Promise<Response> {
  return send({
    token,
    at: next(),
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    body: request(1, 'tools/call', { name, arguments: args, _meta: META, ...more }),
  })
}

// biome-ignore lint/suspicious/noExplicitAny: results of several tools
async function resultOf(response: Response): Promise<any> {
  return ((await response.json()) as { result: unknown }).result
}

/** Makes what belongs to the owner: a session with an open ask, a stream read in part, a handle, a state. */
async function make(): Promise<Thing> {
  const token = await owner()
  const session = await openSession(token)
  const asking = await send({ token, at: next(), headers: { 'mcp-session-id': session }, body: toolCall(1, 'ask') })
  const reader = new EventReader(asking)
  open.push({ reader })
  const { message } = await reader.until(({ method }) => method === 'elicitation/create')
  const sse = new EventReader(await send({ token, at: next(), method: 'GET', path: '/sse' }))
  open.push({ reader: sse })
  const endpoint = (await sse.next())?.data ?? ''
  const created = await resultOf(await stateless(token, 'handle_create', { value: 'mine' }))
  const asked = await resultOf(await stateless(token, 'ask', {}))
  await (await stateless(token, 'user_set', { name: 'n', value: 'mine' })).text()
  return {
    session,
    lastEventId: reader.lastId ?? '',
    ask: String(message?.id),
    legacy: new URL(endpoint, fleet.url).searchParams.get('sessionId') ?? '',
    handle: created.content[0].text,
    state: asked.requestState,
  }
}

/** Names of the same form, of nothing that exists. */
function unknown(thing: Thing): Thing {
  const turned = (text: string) => `${text.slice(0, 3) === 'AAA' ? 'BBB' : 'AAA'}${text.slice(3)}`
  return {
    session: turned(thing.session),
    lastEventId: turned(thing.lastEventId),
    ask: turned(thing.ask),
    legacy: turned(thing.legacy),
    handle: turned(thing.handle),
    state: turned(thing.state),
  }
}

const OPERATIONS: [string, (token: Token, at: number, thing: Thing) => Promise<Response>][] = [
  ['POST a request', (token, at, { session }) => inSession(token, at, session, toolCall(7, 'echo', { message: 'm' }))],
  ['POST a call that streams', (token, at, { session }) => inSession(token, at, session, toolCall(7, 'ask'))],
  ['POST a ping', (token, at, { session }) => inSession(token, at, session, request(7, 'ping'))],
  ['POST a notification', (token, at, { session }) => inSession(token, at, session, notification('initialized'))],
  [
    'set the log level',
    (token, at, { session }) => inSession(token, at, session, request(7, 'logging/setLevel', { level: 'debug' })),
  ],
  [
    'subscribe',
    (token, at, { session }) =>
      inSession(token, at, session, request(7, 'resources/subscribe', { uri: 'test://static-text' })),
  ],
  [
    'GET its stream',
    (token, at, { session }) => send({ token, at, method: 'GET', headers: { 'mcp-session-id': session } }),
  ],
  [
    'resume its call',
    (token, at, { session, lastEventId }) =>
      send({ token, at, method: 'GET', headers: { 'mcp-session-id': session, 'last-event-id': lastEventId } }),
  ],
  [
    'answer its question',
    (token, at, { session, ask }) =>
      inSession(token, at, session, {
        jsonrpc: '2.0',
        id: ask,
        result: { action: 'accept', content: { number: 666 } },
      }),
  ],
  [
    'cancel its call',
    (token, at, { session }) =>
      inSession(token, at, session, notification('cancelled', { requestId: 1, reason: 'stranger' })),
  ],
  [
    'DELETE it',
    (token, at, { session }) => send({ token, at, method: 'DELETE', headers: { 'mcp-session-id': session } }),
  ],
  [
    'POST /messages',
    (token, at, { legacy }) => send({ token, at, path: `/messages?sessionId=${legacy}`, body: request(7, 'ping') }),
  ],
  ['use its handle', (token, _at, { handle }) => stateless(token, 'handle_get', { handle })],
  ['change its handle', (token, _at, { handle }) => stateless(token, 'handle_set', { handle, value: 'stolen' })],
  [
    'use its requestState',
    (token, _at, { state }) => stateless(token, 'ask', {}, { requestState: state, inputResponses: {} }),
  ],
]

function notification(name: string, params?: object): object {
  return { jsonrpc: '2.0', method: `notifications/${name}`, ...(params && { params }) }
}

function inSession(token: Token, at: number, session: string, body: object): Promise<Response> {
  return send({ token, at, headers: { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }, body })
}

/** All of a response that a caller can compare, except its time. */
async function seen(response: Response) {
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)),
  )
  return { status: response.status, headers, body: await response.text() }
}

let thing: Thing

describe.each(STRANGERS)('%s', (_who, tokenOf) => {
  beforeAll(async () => {
    thing ??= await make()
  })

  test.each(OPERATIONS)('cannot %s, and cannot find out that it exists', async (_what, run) => {
    const token = await tokenOf()
    for (const at of [0, 1, 2]) {
      const real = await seen(await run(token, at, thing))
      const never = await seen(await run(token, at, unknown(thing)))
      expect(real).toEqual(never)
      if (token === undefined) expect(real.status).toBe(401)
    }
  })

  test('does not see the values of the owner', async () => {
    const response = await stateless(await tokenOf(), 'user_get', { name: 'n' })
    if (response.status === 401) return
    expect((await resultOf(response)).content[0].text).toBe('null')
  })
})

describe('the owner, with a refreshed token,', () => {
  beforeAll(async () => {
    thing ??= await make()
  })

  test('finds everything as it was and continues', async () => {
    const token = await owner()
    const { session, lastEventId, ask, handle, state } = thing
    const echo = await resultOf(await inSession(token, next(), session, toolCall(8, 'echo', { message: 'm' })))
    expect(echo.content[0].text).toBe('m')
    expect((await resultOf(await stateless(token, 'handle_get', { handle }))).content[0].text).toBe('"mine"')
    expect((await resultOf(await stateless(token, 'user_get', { name: 'n' }))).content[0].text).toBe('"mine"')
    const inputResponses = { 'elicit-1': { action: 'accept', content: { number: 7 } } }
    const retried = await resultOf(await stateless(token, 'ask', {}, { requestState: state, inputResponses }))
    expect(retried).toBeDefined()

    // The ask is still open, the stream can be resumed, and only the owner's answer is taken.
    const headers = { 'mcp-session-id': session, 'last-event-id': lastEventId }
    const resumed = new EventReader(await send({ token, at: next(), method: 'GET', headers }))
    const answer = { jsonrpc: '2.0', id: ask, result: { action: 'accept', content: { number: 42 } } }
    expect((await inSession(token, next(), session, answer)).status).toBe(202)
    const { message } = await resumed.until(({ id }) => id === 1)
    expect(message?.result.content[0].text).toContain('42')

    const ended = await send({ token, at: next(), method: 'DELETE', headers: { 'mcp-session-id': session } })
    expect(ended.status).toBe(204)
    for (const { reader } of open) reader.drop()
  })
})
