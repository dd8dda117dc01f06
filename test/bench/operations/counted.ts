/** Two instances before a Redis whose commands and bytes are counted, step by step. */
import type { Endpoint } from '../../../lib/endpoint.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { CountingProxy, type Passed } from '../../support/counting-proxy.ts'
import { ACCEPT_BOTH } from '../../support/raw.ts'

/** Steps of the calls of which one more step is the difference. */
export const MORE = 10
/** The keys of the instances. */
export const KEYS = [Buffer.alloc(32, 7)]
const URL = 'http://localhost/mcp'
const JSON_HEADERS = { 'content-type': 'application/json', accept: ACCEPT_BOTH }

export class Counted {
  readonly endpoints: readonly Endpoint[]
  readonly #proxy: CountingProxy

  constructor(endpoints: readonly Endpoint[], proxy: CountingProxy) {
    this.endpoints = endpoints
    this.#proxy = proxy
  }

  /** What has passed since the last call. */
  take(): Passed {
    return this.#proxy.take()
  }

  /** A request as a function has it: what it needs of the bus it opens, and closes again. */
  async invocation<T>(index: number, work: () => Promise<T>): Promise<[Passed, T]> {
    const endpoint = this.endpoints[index]
    this.take()
    endpoint?.wake(1_000)
    const value = await work()
    await endpoint?.rest()
    return [this.take(), value]
  }

  post(index: number, message: object, headers: Record<string, string>): Promise<Response> {
    const body = JSON.stringify(message)
    return this.#fetch(index, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body })
  }

  get(index: number, headers: Record<string, string>): Promise<Response> {
    return this.#fetch(index, { headers: { accept: 'text/event-stream', ...headers } })
  }

  /** Opens a session of 2025-11-25. Returns the headers of its requests. */
  async open(capabilities: object): Promise<Record<string, string>> {
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'a', version: '1' } }
    const opened = await this.post(0, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
    await opened.text()
    return {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    }
  }

  async #fetch(index: number, init: RequestInit): Promise<Response> {
    const request = new Request(URL, init)
    const response = await (this.endpoints[index] as Endpoint).fetch(request)
    if (response.status >= 300) throw new Error(`${request.method} was answered with ${response.status}.`)
    return response
  }
}

/**
 * What the steps take. They are run twice, since the first of each kind loads scripts.
 *
 * @param port of a Redis on this machine that nobody else uses
 */
export async function measured<T>(
  port: number,
  make: (store: Store) => Endpoint,
  steps: (counted: Counted) => Promise<T>,
): Promise<T> {
  const proxy = await CountingProxy.start(port)
  const endpoints = [0, 1].map(() => make(redisStore(proxy.url)))
  const counted = new Counted(endpoints, proxy)
  try {
    await steps(counted)
    return await steps(counted)
  } finally {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
    proxy.stop()
  }
}

/** What one of {@link MORE} steps takes. */
export function each(more: Passed, fewer: Passed): Passed {
  const names = Object.keys(more.commands)
  const commands = Object.fromEntries(
    names.map((name) => [name, ((more.commands[name] ?? 0) - (fewer.commands[name] ?? 0)) / MORE] as const),
  )
  return {
    commands: Object.fromEntries(Object.entries(commands).filter(([, n]) => n !== 0)),
    count: (more.count - fewer.count) / MORE,
    sent: Math.round((more.sent - fewer.sent) / MORE),
    received: Math.round((more.received - fewer.received) / MORE),
  }
}

/** As a table of Markdown. */
export function passedText<N extends string>(steps: Readonly<Record<N, string>>, costs: Record<N, Passed>): string {
  const lines = (Object.keys(steps) as N[]).map((name) => {
    const { count, sent, received } = costs[name]
    return `| ${steps[name]} | ${count} | ${sent} | ${received} |`
  })
  return ['| step | commands | their bytes | bytes of replies |', '|---|--:|--:|--:|', ...lines].join('\n')
}
