/** A TCP proxy that fails like a network: it cuts connections, drops what is sent, or drops only the replies. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Pair {
  client: Socket
  upstream: Socket
  /** Drops everything from now on, without closing. */
  swallows: boolean
}

export class TcpProxy {
  readonly #pairs = new Set<Pair>()
  readonly #server = createServer((client) => this.#accept(client))
  /** The port that later connections lead to. */
  target: number
  /** How many bytes of the next reply get through before its connection is cut. */
  #keeps: number | undefined
  #replyLost = () => {}
  /** Connections so far, and chunks that clients sent. */
  connections = 0
  requests = 0

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  constructor(target: number) {
    this.target = target
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The connections of now pass nothing on and stay open. Later ones work. */
  blackhole(): void {
    for (const pair of this.#pairs) pair.swallows = true
  }

  /** The connections of now are cut. */
  reset(): void {
    for (const { client } of this.#pairs) client.resetAndDestroy()
  }

  /**
   * Requests arrive, but the next reply, or what comes after `keep` bytes of it, is lost with its connection. Resolves
   * when that has happened.
   */
  loseReply(keep = 0): Promise<void> {
    this.#keeps = keep
    return new Promise((resolve) => {
      this.#replyLost = resolve
    })
  }

  async close(): Promise<void> {
    this.#server.close()
    this.reset()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    this.connections++
    const upstream = connect(this.target, '127.0.0.1')
    const pair: Pair = { client, upstream, swallows: false }
    this.#pairs.add(pair)
    client.on('data', (chunk) => {
      this.requests++
      if (!pair.swallows) upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (this.#keeps !== undefined) {
        client.end(chunk.subarray(0, this.#keeps))
        this.#keeps = undefined
        this.#replyLost()
      } else if (!pair.swallows) client.write(chunk)
    })
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
        this.#pairs.delete(pair)
      })
    }
  }
}
