/** A proxy in front of Redis that counts what passes: commands by name, and the bytes of both directions. */
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'

export interface Passed {
  /** Commands that were sent, without those that greet a server or wait for mail. */
  commands: Record<string, number>
  count: number
  /** Bytes of these commands. */
  sent: number
  /** Bytes of replies, of what was sent before, too. */
  received: number
}

const COMMON = new Set(['hello', 'client', 'info', 'command', 'script', 'xread', 'ping', 'auth', 'select', 'quit'])

export class CountingProxy {
  readonly #server: Server
  #commands: Record<string, number> = {}
  #sent = 0
  #received = 0

  /** `port`: of Redis on this machine. */
  static async start(port: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(port)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  private constructor(port: number) {
    this.#server = createServer((socket) => this.#connect(socket, dial(port, '127.0.0.1')))
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #connect(socket: Socket, upstream: Socket): void {
    const commands = new Commands((name, bytes) => {
      if (COMMON.has(name)) return
      this.#commands[name] = (this.#commands[name] ?? 0) + 1
      this.#sent += bytes
    })
    socket.on('data', (chunk: Buffer) => {
      commands.read(chunk)
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (!commands.waits) this.#received += chunk.length
      socket.write(chunk)
    })
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
    for (const each of [socket, upstream]) each.on('error', () => {})
  }

  /** What has passed since the last call. */
  take(): Passed {
    const [commands, sent, received] = [this.#commands, this.#sent, this.#received]
    this.#commands = {}
    this.#sent = 0
    this.#received = 0
    return { commands, sent, received, count: Object.values(commands).reduce((sum, n) => sum + n, 0) }
  }

  stop(): void {
    this.#server.close()
  }
}

/** Reads the commands of one connection: arrays of bulk strings. */
class Commands {
  /** The connection is one that waits for mail. */
  waits = false
  readonly #each: (name: string, bytes: number) => void
  #rest = Buffer.alloc(0)

  constructor(each: (name: string, bytes: number) => void) {
    this.#each = each
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const found = this.#next()
      if (!found) return
      this.waits ||= found.name === 'xread'
      this.#each(found.name, found.length)
      this.#rest = this.#rest.subarray(found.length)
    }
  }

  #next(): { name: string; length: number } | undefined {
    const rest = this.#rest
    let at = 0
    /** The number in the line that begins here, after its first character. */
    const number = () => {
      const end = rest.indexOf('\r\n', at)
      if (end < 0) return undefined
      const value = Number(rest.toString('latin1', at + 1, end))
      at = end + 2
      return value
    }
    const parts = number()
    if (parts === undefined) return undefined
    let name = ''
    for (let i = 0; i < parts; i++) {
      const length = number()
      if (length === undefined || rest.length < at + length + 2) return undefined
      if (i === 0) name = rest.toString('latin1', at, at + length).toLowerCase()
      at += length + 2
    }
    return { name, length: at }
  }
}
