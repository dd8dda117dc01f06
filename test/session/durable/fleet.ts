/** Instances in one process, on one store and one clock that tests advance, and a client that goes on where it stopped. */
import type { AuthOptions } from '../../../lib/auth/options.ts'
import { createEndpoint, type Endpoint } from '../../../lib/endpoint.ts'
import type { CallToolResult } from '../../../lib/protocol/types.ts'
import type { Context } from '../../../lib/server/context/context.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import type { SessionOptions } from '../../../lib/settings.ts'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { eventually } from '../../support/eventually.ts'
import { interceptedStore, type Step } from '../../support/intercepted-store.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../../support/raw.ts'

export const LEASE = 10_000
export const SUSPEND_AFTER = 5_000
/** The revision whose clients poll. */
const REVISION = '2025-11-25'

/** An answer to any ask of these tests. */
export const ANSWER = { action: 'accept', content: { a: 'x' } }
export const FORM = { type: 'object', properties: { a: { type: 'string' } } } as const

export const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] })

/** Instances of a server with one tool, `act`. */
export function serving(run: (ctx: Context) => Promise<CallToolResult>, config: object = { durable: true }): TestFleet {
  const server = new McpServer({ name: 'durable', version: '1' })
  server.registerTool('act', config, run)
  return new TestFleet(server)
}

interface Calling {
  revision?: string
  meta?: object | undefined
  /** Its access token. */
  token?: string
}

async function calling(at: Endpoint, { revision, meta, token }: Calling) {
  const client = await TestClient.open(at, revision, token)
  await client.call(at, 'act', {}, meta)
  return client
}

/** A client whose call waits for its one answer. */
export async function asked(at: Endpoint, given: Calling = {}): Promise<TestClient> {
  const client = await calling(at, given)
  await until(() => client.asks.length === 1)
  return client
}

/** A client whose call waits for its first answer, and was suspended. */
export async function suspended(fleet: TestFleet, at: Endpoint, meta?: object, token?: string): Promise<TestClient> {
  const client = await calling(at, { meta, ...(token !== undefined && { token }) })
  await until(() => client.asks.length > 0)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => !client.isConnected)
  return client
}

type Steps = Partial<Record<keyof Store, Step>>

/** How an instance may be lost. */
interface Fate {
  /** Its process has gone: nothing that it sends reaches the store. */
  dead: boolean
  /** The store has no sign of life of it, for others. */
  unseen: boolean
}

export class TestFleet {
  readonly clock = new ManualClock()
  readonly base = memoryStore({ clock: this.clock })
  readonly errors: unknown[] = []
  readonly #fates = new Map<string, Fate>()
  readonly #endpoints: Endpoint[] = []
  readonly server: McpServer

  constructor(server: McpServer) {
    this.server = server
  }

  /** Starts an instance. `steps` stand in front of the store's operations. */
  start(session: Partial<SessionOptions> = {}, steps: Steps = {}, auth?: AuthOptions): Endpoint {
    const fate: Fate = { dead: false, unseen: false }
    const gone = () => new Promise<never>(() => {})
    const alive: Step = async (proceed, ids) => {
      const up = (await proceed()) as boolean[]
      return up.map((one, i) => one && !this.#fates.get((ids as string[])[i] ?? '')?.unseen)
    }
    const intercepted = interceptedStore({ close: async () => {}, alive, ...steps }, this.base)
    const store = new Proxy(intercepted, {
      get(target, name: keyof Store) {
        const value = target[name]
        if (typeof value !== 'function' || ['nearlyFull', 'wake', 'close'].includes(name)) return value
        return (...args: never[]) => (fate.dead ? gone() : (value as (...given: never[]) => unknown)(...args))
      },
    })
    const options = { lease: LEASE, suspendAfter: SUSPEND_AFTER, ...session }
    const endpoint = createEndpoint(this.server, {
      store,
      clock: this.clock,
      session: options,
      ...(auth && { auth }),
      onError: (error) => this.errors.push(error),
    })
    this.#fates.set(endpoint.instanceId, fate)
    this.#endpoints.push(endpoint)
    return endpoint
  }

  /** The process of an instance ends as by kill -9. */
  kill(endpoint: Endpoint): void {
    Object.assign(this.#fate(endpoint), { dead: true, unseen: true })
  }

  /** Other instances find no sign of life of this one, which goes on. */
  hide(endpoint: Endpoint, unseen = true): void {
    this.#fate(endpoint).unseen = unseen
  }

  #fate(endpoint: Endpoint): Fate {
    return this.#fates.get(endpoint.instanceId) as Fate
  }

  /** Advances the clock in small steps, so that the replies of one step come before the next. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await this.clock.advance(Math.min(500, left))
      await turns()
    }
  }

  async close(): Promise<void> {
    for (const endpoint of this.#endpoints) {
      if (this.#fate(endpoint).dead) continue
      const closing = endpoint.close()
      await this.pass(30_000)
      await closing
    }
  }
}

/** Waits, without time on the clock of the fleet, until it is true. */
export async function until(check: () => boolean): Promise<void> {
  await eventually(async () => check() || undefined)
}

/** Lets everything happen that needs no time. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

export interface TestRequest {
  method: string
  headers?: Record<string, string>
  body?: object
}

/** A client with a session that calls one tool, and comes back to its stream as the endpoint says. */
export class TestClient {
  readonly session: string
  token: string | undefined
  /** All messages that it received, in order. */
  readonly messages: RpcMessage[] = []
  /** The `retry` of each response that ended without the result. */
  readonly retries: number[] = []
  /** Messages that came without an event id. */
  readonly asides: RpcMessage[] = []
  #lastId: string | undefined
  #reader: EventReader | undefined

  constructor(session: string, token: string | undefined) {
    this.session = session
    this.token = token
  }

  static async open(at: Endpoint, revision = REVISION, token?: string): Promise<TestClient> {
    const capabilities = { elicitation: { form: {}, url: {} } }
    const params = { protocolVersion: revision, capabilities, clientInfo: { name: 't', version: '1' } }
    const headers = bearer(token)
    const response = await send(at, { method: 'POST', headers, body: request(0, 'initialize', params) })
    return new TestClient(response.headers.get('mcp-session-id') ?? '', token)
  }

  get #headers(): Record<string, string> {
    return { 'mcp-session-id': this.session, ...bearer(this.token) }
  }

  post(at: Endpoint, body: object): Promise<Response> {
    return send(at, { method: 'POST', headers: this.#headers, body })
  }

  /** Calls the tool. Returns when the response has begun. */
  async call(at: Endpoint, tool: string, args: object = {}, meta: object = { progressToken: 'p' }): Promise<void> {
    this.#read(new EventReader(await this.post(at, toolCall('c', tool, args, meta))))
  }

  /** Comes back to its stream. */
  async poll(at: Endpoint): Promise<void> {
    const headers = { ...this.#headers, 'last-event-id': this.#lastId ?? '' }
    const response = await send(at, { method: 'GET', headers })
    if (response.status !== 200) throw new Error(`The poll got ${response.status}: ${await response.text()}`)
    this.#read(new EventReader(response))
  }

  async answer(at: Endpoint, ask: RpcMessage, result: object): Promise<number> {
    const response = await this.post(at, { jsonrpc: '2.0', id: ask.id, result })
    return response.status
  }

  async cancel(at: Endpoint): Promise<number> {
    const params = { requestId: 'c' }
    const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params }
    return (await this.post(at, body)).status
  }

  /** The connection breaks. */
  drop(): void {
    this.#reader?.drop()
    this.#reader = undefined
  }

  #read(reader: EventReader): void {
    this.#reader = reader
    void (async () => {
      for (let event = await reader.next(); event; event = await reader.next()) {
        if (this.#reader !== reader) return
        if (event.id !== undefined) this.#lastId = event.id
        if (event.message) this.messages.push(event.message)
        if (event.message && event.id === undefined) this.asides.push(event.message)
        if (event.message) continue
        if (event.retry !== undefined && event.id === undefined) this.retries.push(event.retry)
      }
      if (this.#reader === reader) this.#reader = undefined
    })().catch(() => {})
  }

  /** True while a response is open. */
  get isConnected(): boolean {
    return this.#reader !== undefined
  }

  /** The asks so far. */
  get asks(): RpcMessage[] {
    return this.messages.filter(({ method, id }) => method === 'elicitation/create' && id !== undefined)
  }

  get result(): RpcMessage | undefined {
    return this.messages.find(({ id, method }) => id === 'c' && method === undefined)
  }

  /** The texts of log messages. */
  get said(): unknown[] {
    return this.messages.flatMap(({ method, params }) => (method === 'notifications/message' ? [params.data] : []))
  }

  get text(): string | undefined {
    return this.result?.result?.content?.[0]?.text
  }
}

const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

export function send(at: Endpoint, { method, headers, body }: TestRequest): Promise<Response> {
  const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
  const init = { method, headers: { 'content-type': 'application/json', accept, host: 'localhost', ...headers } }
  const text = body === undefined ? null : JSON.stringify(body)
  return Promise.resolve(at.fetch(new Request('http://localhost/mcp', { ...init, body: text })))
}
