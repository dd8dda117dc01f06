/** What durable calls cost at Redis: commands and bytes of each step, which do not depend on the speed of the machine. */
import { createEndpoint } from '../../../lib/endpoint.ts'
import type { Store } from '../../../lib/store/store.ts'
import { server } from '../../fixtures/durable.ts'
import type { Passed } from '../../support/counting-proxy.ts'
import { EventReader, toolCall } from '../../support/raw.ts'
import { type Counted, each, KEYS, MORE, measured, passedText } from './counted.ts'

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

/** `port`: of a Redis on this machine that nobody else uses. */
export function measureSteps(port: number): Promise<StepCosts> {
  // Nothing that goes by itself is counted: no heartbeat, no sign of life but the first one of an invocation.
  const session = { suspendAfter: 100, heartbeat: 600_000, lease: 600_000 }
  const make = (store: Store) => createEndpoint(server, { store, keys: KEYS, session })
  return measured(port, make, (counted) => new Steps(counted).all())
}

class Steps {
  readonly #counted: Counted
  #headers: Record<string, string> = {}

  constructor(counted: Counted) {
    this.#counted = counted
  }

  async all(): Promise<StepCosts> {
    this.#headers = await this.#counted.open({ elicitation: {} })
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

  async #invocation(index: number, work: () => Promise<unknown>): Promise<Passed> {
    return (await this.#counted.invocation(index, work))[0]
  }

  #post(index: number, message: object): Promise<Response> {
    return this.#counted.post(index, message, this.#headers)
  }

  #poll(index: number, lastEventId: string): Promise<Response> {
    return this.#counted.get(index, { 'last-event-id': lastEventId, ...this.#headers })
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
    this.#counted.take()
    const stream = new EventReader(await this.#post(0, toolCall(call, 'transfer_plain', { call })))
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    const plainAsk = this.#counted.take()
    await (await this.#post(1, this.#accept(message?.id))).text()
    await stream.rest()
    await Promise.all(this.#counted.endpoints.map((endpoint) => endpoint.rest()))
    return { plainAsk, plainAnswer: this.#counted.take() }
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

export const stepsText = (costs: StepCosts): string => passedText(STEPS, costs)
