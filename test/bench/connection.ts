/**
 * One keep-alive connection of the load: it writes bytes that are ready and looks at an answer only as far as is needed
 * to find its end, so that the load costs less than any server that it measures.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'

export interface Answer {
  status: number
  head: string
  body: string
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

export class Connection {
  readonly #socket: Socket
  #parts: Buffer[] = []
  #size = 0
  /** Bytes of the whole answer; -1: it ends with the last chunk; undefined: the head is not here yet. */
  #wanted: number | undefined
  #headSize = 0
  #done: ((answer: Buffer) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('The server closed the connection.')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** Sends a request; resolves with the bytes of the answer. */
  send(request: Buffer | string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  async ask(request: Buffer | string): Promise<Answer> {
    return readAnswer(await this.send(request))
  }

  /** Resolves with what `pattern` captures, once the answer that is on its way has it. */
  async seen(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(Buffer.concat(this.#parts).toString())
      if (found) return found[1] ?? ''
      await once(this.#socket, 'data')
    }
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#size += chunk.length
    if (this.#wanted === undefined && !this.#readHead()) return
    if (this.#wanted === -1) {
      if (this.#size < this.#headSize + 5 || !this.#endsWithLastChunk()) return
    } else if (this.#size < (this.#wanted ?? 0)) return
    const answer = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    const done = this.#done
    this.#parts = []
    this.#size = 0
    this.#wanted = undefined
    this.#done = undefined
    done?.(answer)
  }

  #readHead(): boolean {
    const seen = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    this.#parts = [seen]
    const at = seen.indexOf(HEAD_END)
    if (at < 0) return false
    this.#headSize = at + 4
    const head = seen.toString('latin1', 0, at)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length !== undefined) this.#wanted = this.#headSize + Number(length)
    else this.#wanted = /\r\ntransfer-encoding: chunked/i.test(head) ? -1 : this.#headSize
    return true
  }

  #endsWithLastChunk(): boolean {
    let last = this.#parts.at(-1) as Buffer
    if (last.length < LAST_CHUNK.length && this.#parts.length > 1) {
      last = Buffer.concat(this.#parts)
      this.#parts = [last]
    }
    return last.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
  }
}

export function readAnswer(bytes: Buffer): Answer {
  const text = bytes.toString()
  const at = text.indexOf('\r\n\r\n')
  return { status: Number(text.slice(9, 12)), head: text.slice(0, at), body: text.slice(at + 4) }
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
