/** Many open GET streams, as plain sockets. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface OpenStream {
  /** Resolves when the text arrives after this call. */
  until(text: string): Promise<void>
  close(): void
}

/** Opens a GET stream. Resolves when its first bytes have arrived. */
export async function openStream(port: number, headers: Record<string, string>): Promise<OpenStream> {
  const socket: Socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${lines.join('')}\r\n`)
  let seen = ''
  let wake: () => void = () => {}
  let failed: Error | undefined
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1')
    wake()
  })
  const ended = () => {
    failed ??= new Error(`A stream ended early: ${seen.slice(-500)}`)
    wake()
  }
  socket.on('error', ended)
  socket.on('close', ended)
  const stream: OpenStream = {
    async until(text) {
      while (!seen.includes(text)) {
        if (failed) throw failed
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      seen = ''
    },
    close: () => {
      socket.destroy()
    },
  }
  await stream.until('\r\n\r\n')
  return stream
}

/** Runs `work` for every number below `count`, with a bounded number at a time. */
export async function forEach<T>(count: number, atOnce: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const n = next++
      results[n] = await work(n)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
  return results
}
