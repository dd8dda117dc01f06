/** A TCP connection that fails like a network: it cuts, swallows, delays, and loses single replies. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Pair {
  client: Socket
  upstream: Socket
}

/** open: all passes. swallow: all is dropped, without a close. delay: all waits. slow: all comes later. */
type Mode = 'open' | 'swallow' | 'delay' | 'slow'

/** How much later, in ms, each way. */
const LATENCY = 250

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

  /** Until {@link heal}, on old connections and new ones: passes nothing on, or later. */
  disturb(mode: Exclude<Mode, 'open'>): void {
    this.#mode = mode
    if (mode !== 'delay') return
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
    if (mode === 'slow') return
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

  /** One direction of a connection. */
  #way(to: Socket): (chunk: Buffer) => void {
    let late = 0
    return (chunk) => {
      if (this.#mode === 'swallow') return
      // Nothing overtakes what comes later.
      if (this.#mode !== 'slow' && late === 0) return void to.write(chunk)
      late++
      setTimeout(() => {
        late--
        if (this.#mode !== 'swallow' && !to.destroyed) to.write(chunk)
      }, LATENCY)
    }
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
    const [ahead, back] = [this.#way(upstream), this.#way(client)]
    client.on('data', ahead)
    upstream.on('data', (chunk) => {
      if (this.#replies > 0) {
        this.#replies--
        client.resetAndDestroy()
      } else back(chunk)
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
