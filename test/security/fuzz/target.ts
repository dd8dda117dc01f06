/** The endpoints under test, and what their clients were given: session ids, event ids, cursors, states, asks, tokens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, type Endpoint } from '../../../lib/endpoint.ts'
import type { Store } from '../../../lib/store/store.ts'
import { Signer } from '../../support/authorization.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../../support/raw.ts'
import { asStateless, statelessHeaders } from './messages.ts'
import { build } from './server.ts'

export const ORIGIN = 'https://mcp.example'
export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
/** No response may have it: only the other principal's session keeps it. */
export const SECRET = 'secret-of-another-principal'

export interface Material {
  /** By revision. */
  sessions: Record<string, string>
  events: string[]
  asks: string[]
  cursor: string
  state: string
  /** The address of a stream of HTTP+SSE. */
  legacy: string
  token: string
  /** Of the other principal. */
  foreign: { session: string; event: string; state: string }
}

export class Target {
  readonly open: Endpoint
  readonly guarded: Endpoint
  readonly errors: unknown[] = []
  material!: Material
  readonly #signer: Signer
  #reader: EventReader | undefined
  #foreignToken = ''

  static async create(store: () => Store): Promise<Target> {
    const target = new Target(await Signer.create('https://as.example', `${ORIGIN}/mcp`), store)
    const { foreign } = await target.#openGuarded()
    await target.renew(foreign)
    return target
  }

  private constructor(signer: Signer, store: () => Store) {
    this.#signer = signer
    const onError = (error: unknown) => void this.errors.push(error)
    const http = { proxies: 1, addressRate: undefined, principalRate: undefined }
    const options = { onError, http, legacySse: true, allowedOrigins: ['https://page.example'] }
    this.open = createEndpoint(build('mine'), { ...options, store: store(), session: { registerAfter: 5 } })
    this.guarded = createEndpoint(build(SECRET), {
      ...options,
      store: store(),
      auth: { issuer: 'https://as.example', resource: `${ORIGIN}/mcp`, jwks: signer.keys },
    })
  }

  /** Ends the sessions and opens new ones: inputs leave calls behind that wait for answers. */
  async renew(foreign = this.material.foreign): Promise<void> {
    this.#reader?.drop()
    const { open } = this
    const old = Object.values(this.material?.sessions ?? {})
    for (const id of old) await send(open, 'DELETE', { 'mcp-session-id': id })
    const sessions: Record<string, string> = {}
    for (const revision of REVISIONS) sessions[revision] = await initialize(open, revision)
    const headers = { 'mcp-session-id': sessions['2025-11-25'] ?? '' }
    const events = await eventsOf(await json(open, headers, toolCall(1, 'report')))
    const batch = [toolCall(2, 'report'), toolCall(3, 'report')]
    const batched = await eventsOf(await json(open, { 'mcp-session-id': sessions['2025-03-26'] ?? '' }, batch))
    const asking = new EventReader(await json(open, headers, toolCall(4, 'ask')))
    const { message: ask } = await asking.until(({ method }) => method === 'elicitation/create')
    asking.drop()
    const list = (await (await json(open, headers, request(5, 'prompts/list'))).json()) as RpcMessage
    this.#reader = new EventReader(await send(open, 'GET', { accept: 'text/event-stream' }, undefined, '/sse'))
    const legacy = (await this.#reader.next())?.data ?? ''
    this.#drain(this.#reader)
    const token = await this.#signer.token()
    const state = await stateOf(open, {})
    const asks = ask?.id === undefined ? [] : [String(ask.id)]
    this.material = {
      sessions,
      events: [...events, ...batched],
      asks,
      cursor: list.result.nextCursor,
      state,
      legacy,
      token,
      foreign,
    }
  }

  #drain(reader: EventReader): void {
    reader.rest().catch(() => {})
  }

  async #openGuarded(): Promise<Pick<Material, 'foreign'>> {
    this.#foreignToken = await this.#signer.token({ sub: 'victim' })
    const auth = { authorization: `Bearer ${this.#foreignToken}` }
    const session = await initialize(this.guarded, '2025-11-25', auth)
    const headers = { ...auth, 'mcp-session-id': session }
    await (await json(this.guarded, headers, toolCall(1, 'keep'))).text()
    const [event = ''] = await eventsOf(await json(this.guarded, headers, toolCall(2, 'report')))
    return { foreign: { session, event, state: await stateOf(this.guarded, auth) } }
  }

  /** The other principal's session still has what it keeps. */
  async foreignIsWhole(): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.#foreignToken}`, 'mcp-session-id': this.material.foreign.session }
    return (await (await json(this.guarded, headers, toolCall(9, 'recall'))).text()).includes(SECRET)
  }

  /** Ends all sessions. Returns how many calls and connections are left after a while. */
  async rest(): Promise<number> {
    this.#reader?.drop()
    for (const id of Object.values(this.material.sessions)) await send(this.open, 'DELETE', { 'mcp-session-id': id })
    const left = () => [this.open, this.guarded].flatMap((one) => Object.values(one.stats())).reduce((a, b) => a + b, 0)
    for (let i = 0; left() > 0 && i < 500; i++) await sleep(10)
    return left()
  }

  async close(): Promise<void> {
    await Promise.all([this.open.close(), this.guarded.close()])
  }
}

async function send(endpoint: Endpoint, method: string, headers: Record<string, string>, body?: string, path = '/mcp') {
  const init = {
    method,
    headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers },
    body: body ?? null,
  }
  return endpoint.fetch(new Request(ORIGIN + path, init))
}

const json = (endpoint: Endpoint, headers: Record<string, string>, body: unknown) =>
  send(endpoint, 'POST', headers, JSON.stringify(body))

async function initialize(endpoint: Endpoint, protocolVersion: string, headers = {}): Promise<string> {
  const params = { protocolVersion, capabilities: { elicitation: {} }, clientInfo: { name: 'f', version: '1' } }
  const response = await json(endpoint, headers, request(0, 'initialize', params))
  await response.text()
  const id = response.headers.get('mcp-session-id')
  if (id === null) throw new Error(`There is no session: ${response.status}`)
  return id
}

async function eventsOf(response: Response): Promise<string[]> {
  const reader = new EventReader(response)
  await reader.rest()
  return reader.events.flatMap(({ id }) => id ?? [])
}

async function stateOf(endpoint: Endpoint, headers: Record<string, string>): Promise<string> {
  const message = asStateless({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask' } })
  const response = await json(endpoint, { ...statelessHeaders(message), ...headers }, message)
  return ((await response.json()) as RpcMessage).result.requestState
}
