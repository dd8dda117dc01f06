/** The signals of a process, and its end: responses that have begun are sent to their last byte. */
import type { Server } from 'node:http'
import { isatty } from 'node:tty'
import type { Endpoint } from '../../endpoint.ts'

/** ms. Platforms kill a process 10 s after SIGTERM. */
const LONGEST_SHUTDOWN = 9_500

/** Ends the process in good order on SIGTERM and SIGINT. Returns a function that does so with an exit code. */
export function drainOnSignals(http: Server, endpoint: Endpoint): (code: number) => void {
  let closing = false
  let exitCode = 0
  const end = (code: number) => {
    exitCode ||= code
    if (closing) return
    closing = true
    shutDown(http, endpoint).then(
      () => process.exit(exitCode),
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => end(0))
  process.on('SIGINT', () => end(0))

  // Cloud Run announces maintenance of its network with SIGTSTP and the end of it with SIGCONT: connections break, but
  // the process must not stop. At a terminal SIGTSTP is Ctrl-Z and keeps its usual meaning.
  if (!isatty(0)) process.on('SIGTSTP', () => {})
  process.on('SIGCONT', () => endpoint.wake(Number.POSITIVE_INFINITY))
  return end
}

async function shutDown(http: Server, endpoint: Endpoint): Promise<void> {
  setTimeout(() => process.exit(1), LONGEST_SHUTDOWN).unref()
  const closed = new Promise((resolve) => http.close(resolve))
  await endpoint.close()
  // The last bytes of some responses are still being sent. A connection without a response can be closed at once.
  const idle = setInterval(() => http.closeIdleConnections(), 20)
  await closed
  clearInterval(idle)
}
