/** One call and its client in the simulation of instances. */
import { expect } from 'vitest'
import { McpServer } from '../../lib/server/mcp-server.ts'
import type { Store } from '../../lib/store/store.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage } from '../support/raw.ts'
import { type Simulation, startSimulation, turn } from './simulation.ts'

const HEADERS = { 'content-type': 'application/json', accept: ACCEPT_BOTH, host: 'localhost' }

type Order = 'send' | 'end'

/** The orders to the handler. Every run executes them from the first order on, also a run that replaces another. */
class Script {
  readonly #orders: Order[] = []
  readonly #listeners = new Set<() => void>()

  give(order: Order): void {
    this.#orders.push(order)
    for (const wake of this.#listeners) wake()
  }

  async *run(signal: AbortSignal): AsyncGenerator<Order> {
    for (let next = 0; ; next++) {
      while (next >= this.#orders.length) {
        await new Promise<void>((resolve) => {
          this.#listeners.add(resolve)
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        if (signal.aborted) return
      }
      yield this.#orders[next] as Order
    }
  }
}

export class SimulatedCall {
  readonly simulation: Simulation
  readonly #script = new Script()
  #session = ''
  #reader: EventReader | undefined
  /** The messages that the client received over all its connections, in order. */
  readonly received: RpcMessage[] = []
  #lastId: string | undefined
  /** The instance of the connection that the client reads. */
  #at = 0

  constructor(store: Store, rerun: boolean) {
    const server = new McpServer({ name: 'simulated-call', version: '1' })
    const annotations = rerun ? { idempotentHint: true } : {}
    server.registerTool('act', { annotations }, async (ctx) => {
      let n = 0
      for await (const order of this.#script.run(ctx.signal)) {
        if (order === 'end') break
        void ctx.log('info', `message ${++n}`)
      }
      return { content: [{ type: 'text', text: 'done' }] }
    })
    this.simulation = startSimulation(server, store, {
      heartbeat: 15_000,
      lease: 10_000,
      autoProgress: 0,
      getPolicy: 'hold',
    })
  }

  async open(instance: number): Promise<void> {
    const opened = await this.simulation.request(instance, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'simulated', version: '1' } },
      }),
    })
    this.#session = opened.headers.get('mcp-session-id') ?? ''
    const answered = this.simulation.request(instance, {
      method: 'POST',
      headers: { ...HEADERS, 'mcp-session-id': this.#session },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'act', arguments: {} } }),
    })
    this.#script.give('send')
    await this.simulation.clock.advance(100)
    this.#reader = new EventReader(await answered)
    await this.read()
  }

  give(order: Order): void {
    this.#script.give(order)
  }

  get connected(): boolean {
    return this.#reader !== undefined && !this.#reader.done
  }

  get finished(): boolean {
    return this.received.some((message) => message.id === 7)
  }

  /** Reads the events that have arrived, without waiting for more. */
  async read(): Promise<void> {
    await turn()
    const reader = this.#reader
    if (!reader) return
    // Reads until nothing arrives within a few turns. The pending promise is used again by the next read.
    for (;;) {
      this.#pending ??= reader.next()
      const pending = this.#pending
      const got = await Promise.race([pending.then((event) => ({ event })), turn(2).then(() => undefined)])
      if (got === undefined) return
      this.#pending = undefined
      if (got.event === undefined) {
        this.#reader = undefined
        return
      }
      if (got.event.id !== undefined) this.#lastId = got.event.id
      if (got.event.message) this.received.push(got.event.message)
    }
  }
  #pending: ReturnType<EventReader['next']> | undefined

  drop(): void {
    this.#reader?.drop()
    this.#reader = undefined
    this.#pending = undefined
  }

  /** The client resumes with its last event id. */
  async resume(instance: number): Promise<void> {
    this.drop()
    if (this.#lastId === undefined) return
    const asked = this.simulation.request(instance, {
      method: 'GET',
      headers: { ...HEADERS, 'mcp-session-id': this.#session, 'last-event-id': this.#lastId },
    })
    const response = await Promise.race([asked, turn(20).then(() => undefined)])
    if (!response) {
      // The instance is paused or dead, and the client gives up this attempt.
      void asked.then((late) => late.body?.cancel()).catch(() => {})
      return
    }
    if (response.status === 405) return
    expect(response.status).toBe(200)
    this.#at = instance
    this.#reader = new EventReader(response)
    await this.read()
  }

  /** Ends the call, advances the clock, and resumes on live instances until the client has the response. */
  async settle(): Promise<void> {
    this.#script.give('end')
    for (let attempt = 0; attempt < 12 && !this.finished; attempt++) {
      await this.simulation.clock.advance(16_000)
      await this.read()
      if (this.finished) return
      const alive = this.simulation.instances.flatMap(({ link }, i) => (link.dead || link.paused ? [] : [i]))
      // A connection to a dead process breaks. A connection to a live one must deliver everything without a resume.
      if (!this.connected || this.simulation.instances[this.#at]?.link.dead)
        await this.resume(alive[attempt % alive.length] ?? 0)
    }
  }
}
