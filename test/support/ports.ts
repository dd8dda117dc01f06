/** Free ports, for servers that need a port number at their start. A server that can listen on port 0 should do so. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the range that Linux and macOS use for outgoing connections and for port 0, so that no port is taken meanwhile.
 */
const FIRST = 10_000
const LAST = 32_000

/** A free port of 127.0.0.1, chosen at random because tests run in parallel. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
