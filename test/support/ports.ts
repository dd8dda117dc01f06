/** Ports for servers that must be told theirs. A server that can listen on port 0 should do that instead. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that Linux and macOS give to outgoing connections and to port 0, so that none is taken meanwhile. */
const FIRST = 10_000
const LAST = 32_000

/** A port of 127.0.0.1 on which nothing listens, chosen at random: tests run side by side. */
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
