/** A TCP connection that fails like a network: it cuts, swallows, delays, and loses single replies. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Pair {
  client: Socket
  upstream: Socket
}

/** open: all passes. swallow: all is dropped, without a close. delay: all waits. */
type Mode = 'open' | 'swallow' | 'delay'

export class Link {
  readonly #pairs = new Set<Pair>()
  readonly #server = createServer((client) => this.#accept(client))
  #mode: Mode = 'open'
  #replies = 0
  /** The port that later connections lead to; 0: none. */
  target: number

  static async start(target: number): Promise<Link> {
    const link = new Link(target)
    await once(link.#server.listen(0, '127.0.0.1'), 'listening')
    return link
  }

  private constructor(target: number) {
    this.target = target
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#pairs.size
  }

  get isDisturbed(): boolean {
    return this.#mode !== 'open'
  }

  /** Cuts the connections of now, or a part of them. */
  cut(chosen: () => boolean = () => true): void {
    for (const { client } of [...this.#pairs]) if (chosen()) client.resetAndDestroy()
  }

  /** Passes nothing on, on old connections and new ones, until {@link heal}. */
  disturb(mode: 'swallow' | 'delay'): void {
    this.#mode = mode
    if (mode === 'swallow') return
    for (const { client, upstream } of this.#pairs) {
      client.pause()
      upstream.pause()
    }
  }

  /** What waited passes now. Connections that have lost bytes are cut: they could only go on with a gap. */
  heal(): void {
    const mode = this.#mode
    this.#mode = 'open'
    if (mode === 'swallow') return this.cut()
    for (const { client, upstream } of this.#pairs) {
      client.resume()
      upstream.resume()
    }
  }

  /** The next reply is lost with its connection: the request was carried out. */
  loseReply(): void {
    this.#replies++
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    client.setNoDelay(true)
    if (this.target === 0) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect(this.target, '127.0.0.1').setNoDelay(true)
    const pair = { client, upstream }
    this.#pairs.add(pair)
    if (this.#mode === 'delay') {
      client.pause()
      upstream.pause()
    }
    client.on('data', (chunk) => {
      if (this.#mode !== 'swallow') upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (this.#replies > 0) {
        this.#replies--
        client.resetAndDestroy()
      } else if (this.#mode !== 'swallow') client.write(chunk)
    })
    client.on('end', () => upstream.end())
    upstream.on('end', () => client.end())
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
