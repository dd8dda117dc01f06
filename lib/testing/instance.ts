/** One instance of a fleet in this process. It can be killed, after which nothing of it reaches the store or a client. */
import { createEndpoint, type Endpoint, type EndpointOptions } from '../endpoint.ts'
import type { FetchOptions } from '../http/fetch-options.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import type { Receiving, Store } from '../store/store.ts'
import type { TestTime } from './time.ts'

/** What a client sees of a process that is killed. */
class ConnectionLost extends TypeError {
  override readonly name = 'ConnectionLost'

  constructor() {
    super('The connection was lost: the instance was killed.')
  }
}

export class TestInstance {
  readonly endpoint: Endpoint
  over = false
  readonly #receivings = new Set<Receiving>()
  readonly #connections = new Set<() => void>()

  constructor(server: Dispatcher, options: EndpointOptions, store: Store, time: TestTime) {
    this.endpoint = createEndpoint(server, { ...options, store: this.#reached(store), clock: time.clockOf(this) })
  }

  /** As `fetch`, to this instance. */
  async fetch(request: Request, options: FetchOptions): Promise<Response> {
    const { signal } = request
    const connection = this.#connection(signal)
    try {
      const response = await Promise.race([this.endpoint.fetch(request, options), connection.broken])
      const { body, status, headers } = response
      return body ? new Response(this.#body(body, signal), { status, headers }) : response
    } finally {
      connection.close()
    }
  }

  /** Ends the instance as `kill -9` does. Its handlers run on, since they are in this process, but nobody hears of them. */
  kill(): void {
    this.over = true
    for (const lose of [...this.#connections]) lose()
    for (const receiving of this.#receivings) void receiving.stop()
  }

  /** `broken` rejects when the instance is killed, or when the client leaves. */
  #connection(signal: AbortSignal): { broken: Promise<never>; close(): void } {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    const lost = () => reject(new ConnectionLost())
    const left = () => reject(signal.reason)
    const close = () => {
      this.#connections.delete(lost)
      signal.removeEventListener('abort', left)
    }
    this.#connections.add(lost)
    signal.addEventListener('abort', left)
    if (this.over) lost()
    else if (signal.aborted) left()
    return { broken: promise, close }
  }

  #body(body: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    const connection = this.#connection(signal)
    const leave = (reason: unknown) => {
      connection.close()
      return reader.cancel(reason)
    }
    signal.addEventListener('abort', () => void leave(signal.reason).catch(() => {}), { once: true })
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await Promise.race([reader.read(), connection.broken])
        if (!done) return controller.enqueue(value)
        connection.close()
        controller.close()
      },
      cancel: leave,
    })
  }

  /** The store as long as the instance lives. Afterwards no operation reaches it, and no reply comes back. */
  #reached(store: Store): Store {
    const never = () => new Promise<never>(() => {})
    const after = <T>(reply: Promise<T>): Promise<T> =>
      reply.then(
        (value) => (this.over ? never() : value),
        (error) => (this.over ? never() : Promise.reject(error)),
      )
    return new Proxy(store, {
      get: (target, name: keyof Store) => {
        const value = target[name]
        if (typeof value !== 'function') return value
        // The other instances need it.
        if (name === 'close') return async () => {}
        const operation = value.bind(target) as (...args: unknown[]) => unknown
        return (...args: unknown[]) => {
          if (this.over) return never()
          const reply = operation(...args)
          if (!(reply instanceof Promise)) return reply
          if (name === 'receive') reply.then((receiving: Receiving) => this.#receivings.add(receiving))
          return after(reply)
        }
      },
    })
  }
}
