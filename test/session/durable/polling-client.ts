/** A client of 2025-11-25 in a {@link World}: it calls once, and comes back to its stream at whichever instance. Nothing waits for it. */
import { ACCEPT_BOTH, EventReader, type RpcMessage, request, toolCall } from '../../support/raw.ts'
import type { Node } from './world.ts'

const FORM_CAPABILITIES = { elicitation: { form: {} } }

export class PollingClient {
  session = ''
  /** All messages that it received, in order. */
  readonly messages: RpcMessage[] = []
  /** The ids of asks whose answers were acknowledged. */
  readonly acknowledged = new Set<string>()
  cancelled = false
  /** Requests that have no response yet, of instances that live. */
  readonly #open = new Set<{ node: Node }>()
  #lastId: string | undefined
  #connection: { node: Node; reader: EventReader | undefined } | undefined

  async open(node: Node): Promise<void> {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: FORM_CAPABILITIES,
      clientInfo: { name: 'c', version: '1' },
    }
    const response = await this.#send(node, 'POST', request(0, 'initialize', params))
    this.session = response.headers.get('mcp-session-id') ?? ''
  }

  call(node: Node): void {
    this.#connect(node, this.#send(node, 'POST', toolCall('c', 'act', {}, { progressToken: 'p' })))
  }

  /** Comes back to its stream, where it has none. */
  poll(node: Node): void {
    if (this.isOver || this.#lastId === undefined || this.#connection) return
    this.#connect(node, this.#send(node, 'GET'))
  }

  /** Its connection breaks. */
  drop(): void {
    this.#connection?.reader?.drop()
    if (this.#connection?.reader) this.#connection = undefined
  }

  /** An instance has gone: so have its connections. */
  lost(node: Node): void {
    if (this.#connection?.node !== node) return
    this.#connection.reader?.drop()
    this.#connection = undefined
  }

  answer(node: Node, ask: RpcMessage, result: object): void {
    void this.#send(node, 'POST', { jsonrpc: '2.0', id: ask.id, result }).then(({ status }) => {
      if (status === 202) this.acknowledged.add(String(ask.id))
    })
  }

  cancel(node: Node): void {
    const params = { requestId: 'c' }
    void this.#send(node, 'POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params }).then(({ status }) => {
      if (status === 202) this.cancelled = true
    })
  }

  /** Requests without a response, of instances that live. */
  get waiting(): number {
    return [...this.#open].filter(({ node }) => !node.dead).length
  }
  get isConnected(): boolean {
    return this.#connection !== undefined
  }
  get result(): RpcMessage | undefined {
    return this.messages.find(({ id, method }) => id === 'c' && method === undefined)
  }
  get isOver(): boolean {
    return this.result !== undefined
  }
  get hasBegun(): boolean {
    return this.#lastId !== undefined
  }
  get asks(): RpcMessage[] {
    return this.messages.filter(({ method, id }) => method === 'elicitation/create' && id !== undefined)
  }

  async #send(node: Node, method: string, body?: object): Promise<Response> {
    const open = { node }
    this.#open.add(open)
    const headers = {
      'content-type': 'application/json',
      accept: method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH,
      host: 'localhost',
      ...(this.session && { 'mcp-session-id': this.session }),
      ...(method === 'GET' && { 'last-event-id': this.#lastId ?? '' }),
    }
    const text = body === undefined ? null : JSON.stringify(body)
    try {
      return await node.endpoint.fetch(new Request('http://localhost/mcp', { method, headers, body: text }))
    } finally {
      this.#open.delete(open)
    }
  }

  #connect(node: Node, responding: Promise<Response>): void {
    const connection: { node: Node; reader: EventReader | undefined } = { node, reader: undefined }
    this.#connection = connection
    const isCurrent = () => this.#connection === connection
    void (async () => {
      const response = await responding
      if (isCurrent() && response.headers.get('content-type')?.startsWith('text/event-stream')) {
        connection.reader = new EventReader(response)
        await this.#read(connection.reader, isCurrent)
      }
      if (isCurrent()) this.#connection = undefined
    })()
  }

  async #read(reader: EventReader, isCurrent: () => boolean): Promise<void> {
    for (let event = await reader.next(); event && isCurrent(); event = await reader.next()) {
      if (event.id !== undefined) this.#lastId = event.id
      if (event.message) this.messages.push(event.message)
    }
  }
}
