/** A network between clients and Redis: TCP proxies that delay each direction, and count the round trips of all connections. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The first byte of a message of the TLS handshake. */
const HANDSHAKE = 0x16

export class Distance {
  /** How long a byte is under way in each direction, in ms. */
  readonly #delay: number
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  /**
   * Round trips, one after the other, without the handshakes of TLS: a message comes one trip after the latest reply that had
   * arrived when it was sent, and its reply belongs to its trip.
   */
  trips = 0
  #generation = 0

  constructor(delay = 5) {
    this.#delay = delay
  }

  /** Starts a proxy. Returns its port. */
  async proxy(target: number): Promise<number> {
    const server = createServer((client) => this.#accept(client, target))
    this.#servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Counts from here, and no connection of before. */
  begin(): void {
    this.#generation++
    this.trips = 0
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => server.listening && once(server, 'close')))
  }

  #accept(client: Socket, target: number): void {
    const upstream = connect(target, '127.0.0.1')
    const later = (work: () => void) => setTimeout(work, this.#delay)
    const generation = this.#generation
    let counts: boolean | undefined
    /** The trip of the latest message that has arrived at the server. */
    let trip = 0
    client.on('data', (chunk) => {
      // Sentinels use the address of the primary, too.
      counts ??= !chunk.includes('sentinel-')
      const sent = this.trips + (chunk[0] === HANDSHAKE ? 0 : 1)
      later(() => {
        trip = sent
        upstream.write(chunk)
      })
    })
    upstream.on('data', (chunk) => {
      const answered = trip
      later(() => {
        if (counts && generation === this.#generation) this.trips = Math.max(this.trips, answered)
        client.write(chunk)
      })
    })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        later(() => other.destroy())
      })
    }
  }
}
