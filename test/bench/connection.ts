/**
 * One keep-alive connection of the load. It writes prepared bytes and parses a response only to find its end, so that
 * the load costs less than any measured server.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  head: string
  body: string
}

/** Status and size of a response whose bytes are not kept. */
export interface Outline {
  status: number
  /** Bytes, including the head. */
  size: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')
/** The shared read buffer of all connections. Bytes that are kept are copied. */
const READ = Buffer.allocUnsafeSlow(65_536)
const NOTHING = Buffer.alloc(0)

export class Connection {
  readonly #socket: Socket
  /** The number of requests so far. */
  sent = 0
  /** The bytes so far of a response that is kept. For any other response, its head while that is incomplete. */
  #kept: Buffer[] = []
  #keeps = false
  #size = 0
  #status = 0
  /** The bytes of the whole response. -1: the response is chunked. Undefined: the head is incomplete. */
  #wanted: number | undefined
  /** The last bytes so far of a chunked response. */
  #tail: Buffer = NOTHING
  #done: ((outline: Outline) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #wake: (() => void) | undefined

  private constructor(port: number) {
    const take = (length: number) => {
      this.#take(READ.subarray(0, length))
      return true
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: READ, callback: take } })
    socket.on('error', (error) => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('The server closed the connection.')))
    this.#socket = socket
  }

  static async open(port: number): Promise<Connection> {
    const connection = new Connection(port)
    await once(connection.#socket, 'connect')
    return connection
  }

  /** Sends a request. Resolves when its response has ended. */
  send(request: Buffer | string): Promise<Outline> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('The server has closed the connection.'))
      this.sent++
      this.#done = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  /** Sends a request and keeps the bytes of its response. */
  async ask(request: Buffer | string): Promise<Answer> {
    this.#keeps = true
    const { status } = await this.send(request)
    const text = Buffer.concat(this.#kept).toString()
    this.#kept = []
    this.#keeps = false
    const at = text.indexOf('\r\n\r\n')
    return { status, head: text.slice(0, at), body: text.slice(at + 4) }
  }

  /** Resolves with the capture of `pattern` once the response in progress, whose bytes are kept, matches. */
  async seen(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(Buffer.concat(this.#kept).toString())
      if (found) return found[1] ?? ''
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  /** Reads a chunk of the response. `chunk` is overwritten after this returns. */
  #take(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#wanted === undefined && !this.#readHead(chunk)) return
    if (this.#keeps) this.#kept.push(Buffer.from(chunk))
    this.#wake?.()
    if (this.#wanted === -1 ? !this.#endsWithLastChunk(chunk) : this.#size < (this.#wanted ?? 0)) return
    const outline = { status: this.#status, size: this.#size }
    this.#size = 0
    this.#wanted = undefined
    this.#tail = NOTHING
    this.#done?.(outline)
  }

  #readHead(chunk: Buffer): boolean {
    const seen = this.#kept.length === 0 ? chunk : Buffer.concat([...this.#kept, chunk])
    const at = seen.indexOf(HEAD_END)
    if (at < 0) {
      this.#kept.push(Buffer.from(chunk))
      return false
    }
    if (!this.#keeps) this.#kept = []
    const head = seen.toString('latin1', 0, at)
    this.#status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length !== undefined) this.#wanted = at + 4 + Number(length)
    else this.#wanted = /\r\ntransfer-encoding: chunked/i.test(head) ? -1 : at + 4
    return true
  }

  #endsWithLastChunk(chunk: Buffer): boolean {
    const { length } = LAST_CHUNK
    const last = chunk.length < length ? Buffer.concat([this.#tail, chunk]) : chunk
    if (last.subarray(-length).equals(LAST_CHUNK)) return true
    this.#tail = Buffer.from(last.subarray(-length))
    return false
  }
}

/** The bytes of a POST to /mcp. */
export function postBytes(body: object | string, headers: Record<string, string> = {}): Buffer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Accept: application/json, text/event-stream\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}
