/**
 * The signals of a process, and its end. After SIGTERM it serves on for a while as a lame duck, while load balancers notice
 * that it leaves. Then it accepts no connection, and drains: responses that have begun are sent to their last byte.
 */
import type { Server } from 'node:http'
import { isatty } from 'node:tty'
import type { Endpoint } from '../../endpoint.ts'
import type { Settings } from '../environment.ts'
import { exit } from './exit.ts'
import type { AnsweringSocket } from './harden.ts'

/**
 * How long connections may wait for a request after the end of the lame duck, in ms. A load balancer that is not told who leaves
 * notices it by a connection that is refused, and uses none of the others until then.
 */
const FIRST_REQUESTS = 500
/** How long a request that has begun may take to arrive once everything else is done, in ms. */
const LAST_REQUESTS = 250
const SWEEP_EVERY = 20

/** Whether this process is about to end. */
export interface Leaving {
  readonly begun: boolean
}

/** The end of this process by its signals. */
export interface Ending extends Leaving {
  /** Ends the process in the order of a signal, at once and with the exit code 1. */
  fail(): void
}

/** Ends the process in good order on SIGTERM and SIGINT. */
export function drainOnSignals(
  http: Server,
  endpoint: Endpoint,
  { shutdown, lameDuck }: Pick<Settings, 'shutdown' | 'lameDuck'>,
): Ending {
  const sockets = new Set<AnsweringSocket>()
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  let exitCode = 0
  const leaving = { begun: false, fail: () => end('exception') }
  let goOn = () => {}
  const end = (signal: 'SIGTERM' | 'SIGINT' | 'exception') => {
    if (signal === 'exception') exitCode = 1
    // The second signal ends the lame duck.
    if (leaving.begun) return goOn()
    leaving.begun = true
    setTimeout(() => exit(1), shutdown).unref()
    for (const { _httpMessage: response } of sockets) {
      // A response whose head is not written yet can say that it closes its connection, as all of the following do. Another one,
      // such as a stream, closes it behind its last byte: a load balancer would send its next request on it.
      if (response?.headersSent === false) response.shouldKeepAlive = false
      else if (response) response._last = true
    }
    const wait = signal !== 'SIGTERM' || isDevelopment() ? 0 : lameDuck
    const over = new Promise<void>((resolve) => {
      goOn = resolve
      setTimeout(resolve, wait)
    })
    over
      .then(() => close(http, endpoint, sockets, wait > 0))
      .then(
        () => exit(exitCode),
        (error) => {
          console.error(error)
          exit(1)
        },
      )
  }
  process.on('SIGTERM', () => end('SIGTERM'))
  process.on('SIGINT', () => end('SIGINT'))

  // Cloud Run announces maintenance of its network with SIGTSTP and the end of it with SIGCONT: connections break, but
  // the process must not stop. At a terminal SIGTSTP is Ctrl-Z and keeps its usual meaning.
  if (!isatty(0)) process.on('SIGTSTP', () => {})
  process.on('SIGCONT', () => endpoint.wake(Number.POSITIVE_INFINITY))
  return leaving
}

function isDevelopment(): boolean {
  return process.env.NODE_ENV === 'development' || isatty(0)
}

/** `lameDuck`: connections without a request are kept for a while, since a load balancer may be about to use them. */
async function close(
  http: Server,
  endpoint: Endpoint,
  sockets: Set<AnsweringSocket>,
  lameDuck: boolean,
): Promise<void> {
  // Requests that have arrived are read first: Node closes the connections that look idle.
  await new Promise((resolve) => setImmediate(resolve))
  // By this method `close` would close them at once.
  if (lameDuck) http.closeIdleConnections = () => {}
  const closed = new Promise((resolve) => http.close(resolve))
  delete (http as Partial<Server>).closeIdleConnections
  await arrived(sockets)
  await endpoint.close()
  // The last bytes of some responses are still being sent. A connection without a request can be closed at once; one that
  // never carried a byte is not idle for Node.
  let late = false
  const sweep = setInterval(() => {
    http.closeIdleConnections()
    for (const socket of sockets) if (socket.bytesRead === 0 || (late && !hasRequest(socket))) socket.destroy()
  }, SWEEP_EVERY)
  setTimeout(() => {
    late = true
  }, LAST_REQUESTS)
  await closed
  clearInterval(sweep)
}

/**
 * Resolves when the requests of all connections have arrived. Load balancers send theirs as soon as they are connected, on
 * connections that were accepted just before, or on those that they keep: they are served like those before them.
 */
async function arrived(sockets: ReadonlySet<AnsweringSocket>): Promise<void> {
  let late = false
  setTimeout(() => {
    late = true
  }, FIRST_REQUESTS)
  while (!late && [...sockets].some((socket) => !hasRequest(socket))) {
    await new Promise((resolve) => setTimeout(resolve, SWEEP_EVERY))
  }
}

/** A whole request has arrived, and its response is under way. */
function hasRequest({ _httpMessage: response }: AnsweringSocket): boolean {
  return response?.req?.complete === true
}
