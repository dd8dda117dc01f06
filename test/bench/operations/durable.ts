/** What durable calls cost at Redis: commands and bytes of each step, which do not depend on the speed of the machine. */
import { createEndpoint, type Endpoint } from '../../../lib/endpoint.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import { server } from '../../fixtures/durable.ts'
import { CountingProxy, type Passed } from '../../support/counting-proxy.ts'
import { ACCEPT_BOTH, EventReader, toolCall } from '../../support/raw.ts'

export const STEPS = {
  short: 'short call in a session, which neither asks nor is durable',
  plainAsk: 'call that asks, and is not durable: until its ask is sent',
  plainAnswer: 'the answer, on another instance, and the response',
  ask: 'durable call that asks, with a step of `ctx.once` before it: until it is suspended and its stream has closed',
  poll: 'a poll that finds nothing',
  answer: 'the answer, on another instance, which runs the call to its end, with a step that is `single`',
  response: 'the poll that gets the response',
  once: 'one `ctx.once`',
  single: 'one `ctx.once` with `single`',
} as const

export type StepName = keyof typeof STEPS
export type StepCosts = Record<StepName, Passed>

/** Steps of the calls of which one more step is the difference. */
export const MORE = 10
const URL = 'http://localhost/mcp'

/** `port`: of a Redis on this machine that nobody else uses. */
export async function measureSteps(port: number): Promise<StepCosts> {
  const proxy = await CountingProxy.start(port)
  // Nothing that goes by itself is counted: no heartbeat, no sign of life but the first one of an invocation.
  const session = { suspendAfter: 100, heartbeat: 600_000, lease: 600_000 }
  const endpoints = [0, 1].map(() =>
    createEndpoint(server, { store: redisStore(proxy.url), keys: [Buffer.alloc(32, 7)], session }),
  )
  try {
    // The first of each kind loads scripts.
    await new Steps(endpoints, proxy).all()
    return await new Steps(endpoints, proxy).all()
  } finally {
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
    proxy.stop()
  }
}

class Steps {
  readonly #endpoints: readonly Endpoint[]
  readonly #proxy: CountingProxy
  #headers: Record<string, string> = {}

  constructor(endpoints: readonly Endpoint[], proxy: CountingProxy) {
    this.#endpoints = endpoints
    this.#proxy = proxy
  }

  async all(): Promise<StepCosts> {
    const open = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'a', version: '1' },
    }
    const opened = await this.#post(0, { jsonrpc: '2.0', id: 0, method: 'initialize', params: open })
    this.#headers = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    }
    await opened.text()
    // The first request makes the lifetime of the session longer.
    await this.#invocation(0, () => this.#read(toolCall('first', 'keep', { call: 'first', n: 0 })))
    const listed = { jsonrpc: '2.0', id: 'list', method: 'tools/list', params: {} }
    const short = await this.#invocation(0, async () => void (await (await this.#post(0, listed)).text()))
    const plain = await this.#plain()
    const durable = await this.#durable()
    const once = each(await this.#keep(2 * MORE), await this.#keep(MORE))
    const single = each(await this.#keep(2 * MORE, true), await this.#keep(MORE, true))
    return { short, ...plain, ...durable, once, single }
  }

  /** A request as a function has it: what it needs of the bus it opens, and closes again. */
  async #invocation(index: number, work: () => Promise<unknown>): Promise<Passed> {
    const endpoint = this.#endpoints[index]
    this.#proxy.take()
    endpoint?.wake(1_000)
    await work()
    await endpoint?.rest()
    return this.#proxy.take()
  }

  #post(index: number, message: object): Promise<Response> {
    const headers = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...this.#headers }
    return this.#fetch(index, new Request(URL, { method: 'POST', headers, body: JSON.stringify(message) }))
  }

  #poll(index: number, lastEventId: string): Promise<Response> {
    const headers = { accept: 'text/event-stream', 'last-event-id': lastEventId, ...this.#headers }
    return this.#fetch(index, new Request(URL, { headers }))
  }

  async #fetch(index: number, request: Request): Promise<Response> {
    const response = await (this.#endpoints[index] as Endpoint).fetch(request)
    if (response.status >= 300) throw new Error(`${request.method} was answered with ${response.status}.`)
    return response
  }

  async #read(message: object): Promise<EventReader> {
    const reader = new EventReader(await this.#post(0, message))
    await reader.rest()
    return reader
  }

  #accept(id: string | number | undefined): object {
    return { jsonrpc: '2.0', id, result: { action: 'accept', content: { ok: true } } }
  }

  async #plain(): Promise<Pick<StepCosts, 'plainAsk' | 'plainAnswer'>> {
    const call = 'plain'
    this.#proxy.take()
    const stream = new EventReader(await this.#post(0, toolCall(call, 'transfer_plain', { call })))
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    const plainAsk = this.#proxy.take()
    await (await this.#post(1, this.#accept(message?.id))).text()
    await stream.rest()
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.rest()))
    return { plainAsk, plainAnswer: this.#proxy.take() }
  }

  async #durable(): Promise<Pick<StepCosts, 'ask' | 'poll' | 'answer' | 'response'>> {
    const call = 'durable'
    let stream: EventReader | undefined
    const ask = await this.#invocation(0, async () => {
      stream = await this.#read(toolCall(call, 'transfer', { call }, { progressToken: call }))
    })
    const id = stream?.events.find(({ message }) => message?.method === 'elicitation/create')?.message?.id
    let last = stream?.lastId ?? ''
    const poll = await this.#invocation(1, async () => {
      const reader = new EventReader(await this.#poll(1, last))
      await reader.rest()
      last = reader.lastId ?? last
    })
    const answer = await this.#invocation(1, async () => void (await (await this.#post(1, this.#accept(id))).text()))
    const response = await this.#invocation(0, async () => {
      const messages = await new EventReader(await this.#poll(0, last)).rest()
      if (messages.at(-1)?.id !== call) throw new Error(`No response: ${JSON.stringify(messages)}`)
    })
    return { ask, poll, answer, response }
  }

  #keep(n: number, single = false): Promise<Passed> {
    const call = `keep ${n + 10} ${single}`
    return this.#invocation(0, () => this.#read(toolCall(call, 'keep', { call, n, single })))
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

export const stepsText = (costs: StepCosts): string => passedText(STEPS, costs)

/** As a table of Markdown. */
export function passedText<N extends string>(steps: Readonly<Record<N, string>>, costs: Record<N, Passed>): string {
  const lines = (Object.keys(steps) as N[]).map((name) => {
    const { count, sent, received } = costs[name]
    return `| ${steps[name]} | ${count} | ${sent} | ${received} |`
  })
  return ['| step | commands | their bytes | bytes of replies |', '|---|--:|--:|--:|', ...lines].join('\n')
}
