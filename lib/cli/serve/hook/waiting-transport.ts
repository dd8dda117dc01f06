/** The transport of a server between its author's `connect` and the moment when the endpoint connects it. */
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import type { LowLevel, Transport } from '../../../sdk/private.ts'

/** Notifications go nowhere, and requests are answered as for a connection that closed: there is no client yet. */
const NO_CLIENT = { code: -32000, message: 'The server has no client yet: this is sent outside of any call.' }

export class WaitingTransport implements Transport {
  onmessage: Transport['onmessage']
  onclose: Transport['onclose']
  onerror: Transport['onerror']

  async start(): Promise<void> {}

  async send({ id, method }: JsonObject): Promise<void> {
    if (id === undefined || method === undefined) return
    queueMicrotask(() => this.onmessage?.({ jsonrpc: '2.0', id, error: NO_CLIENT }))
  }

  async close(): Promise<void> {
    this.onclose?.()
  }
}

/** Takes the transport from its server, which does not call its author's `onclose`: for the author it stays connected. */
export function disconnect(server: LowLevel, transport: unknown): void {
  if (server.transport !== transport || typeof transport !== 'object' || transport === null) return
  const onclose: unknown = Reflect.get(server, 'onclose')
  Reflect.set(server, 'onclose', undefined)
  try {
    // The server has set it.
    const closed: unknown = Reflect.get(transport, 'onclose')
    if (typeof closed === 'function') Reflect.apply(closed, transport, [])
  } finally {
    Reflect.set(server, 'onclose', onclose)
  }
}
