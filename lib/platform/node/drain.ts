/**
 * The signals of a process, and its end. After SIGTERM it serves on for a while as a lame duck, while load balancers notice
 * that it leaves. Then it accepts no connection, and drains: responses that have begun are sent to their last byte.
 */
import type { Server } from 'node:http'
import { isatty } from 'node:tty'
import { systemClock } from '../../base/clock.ts'
import type { Endpoint } from '../../endpoint.ts'
import { ENDING, type Settings } from '../environment.ts'
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
/** How many connections may still be accepted after the end of the lame duck, where one follows the other. */
const LAST_TURNS = 1_000

/** Whether this process is about to end. */
export interface Leaving {
  readonly begun: boolean
}

/** The end of this process by its signals. */
export interface Ending extends Leaving {
  /** Ends the process in the order of a signal, at once and with the exit code 1. */
  fail(): void
}

/**
 * Ends the process in good order on SIGTERM and SIGINT. The exit code is 0 where every response was sent, and every call that had not
 * ended was handed over or got its error; 1 where the time was over before, which is reported.
 */
export function drainOnSignals(
  http: Server,
  endpoint: Endpoint,
  { shutdown, lameDuck }: Pick<Settings, 'shutdown' | 'lameDuck'>,
  report: (text: string) => void,
): Ending {
  const sockets = new Set<AnsweringSocket>()
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  let exitCode = 0
  /** No call runs here any more, and every response is on its way. */
  let drained = false
  const leaving = { begun: false, fail: () => end('exception') }
  let goOn = () => {}
  const end = (signal: 'SIGTERM' | 'SIGINT' | 'exception') => {
    if (signal === 'exception') exitCode = 1
    // The second signal ends the lame duck.
    if (leaving.begun) return goOn()
    leaving.begun = true
    const over = systemClock.now() + shutdown
    setTimeout(() => {
      const problem = problemAtTheEnd(drained, sockets)
      if (problem === undefined) return exit(exitCode)
      report(`The ${shutdown / 1_000} s from ${signal} on (SHUTDOWN_SECONDS) are over: ${problem}`)
      exit(1)
    }, shutdown).unref()
    for (const { _httpMessage: response } of sockets) {
      // A response whose head is not written yet can say that it closes its connection, as all of the following do. Another one,
      // such as a stream, closes it behind its last byte: a load balancer would send its next request on it.
      if (response?.headersSent === false) response.shouldKeepAlive = false
      else if (response) response._last = true
    }
    const wait = signal !== 'SIGTERM' || isDevelopment() ? 0 : lameDuck
    const served = new Promise<void>((resolve) => {
      goOn = resolve
      setTimeout(resolve, wait)
    })
    const drain = async () => {
      // What came late until now, such as the end of the lame duck on a machine without CPU, is taken from the time of the calls.
      await endpoint.close({ within: Math.max(0, over - ENDING - systemClock.now()) })
      drained = true
    }
    served
      .then(() => close(http, sockets, wait > 0, drain))
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

/** What was not done when the time is over; undefined: only connections without a request are left. */
function problemAtTheEnd(drained: boolean, sockets: ReadonlySet<AnsweringSocket>): string | undefined {
  if (!drained) return 'calls had not ended, and were not handed over.'
  const unsent = [...sockets].filter(hasRequest).length
  return unsent === 0 ? undefined : `${unsent} of its responses had not been sent to their last byte.`
}

/**
 * @param lameDuck connections without a request are kept for a while, since a load balancer may be about to use them
 * @param drain ends the calls, when no further request comes
 */
async function close(
  http: Server,
  sockets: ReadonlySet<AnsweringSocket>,
  lameDuck: boolean,
  drain: () => Promise<void>,
): Promise<void> {
  await accepted(http)
  // By this method `close` would close them at once.
  http.closeIdleConnections = () => {}
  const closed = new Promise((resolve) => http.close(resolve))
  delete (http as Partial<Server>).closeIdleConnections
  if (!lameDuck) closeIdle(http, sockets)
  await arrived(sockets)
  await drain()
  // The last bytes of some responses are still being sent. A connection without a request can be closed at once; one that
  // never carried a byte is not idle for Node.
  let late = false
  const sweep = setInterval(() => {
    closeIdle(http, sockets)
    for (const socket of sockets) if (socket.bytesRead === 0 || (late && !hasRequest(socket))) socket.destroy()
  }, SWEEP_EVERY)
  setTimeout(() => {
    late = true
  }, LAST_REQUESTS)
  await closed
  clearInterval(sweep)
}

/**
 * Resolves when no connection waits to be accepted: closing the listener resets those that do, and their requests are lost. One is
 * accepted in each turn of the event loop. Requests that have arrived are read in it, too: Node closes the connections that look idle.
 */
async function accepted(http: Server): Promise<void> {
  let isNews = true
  const note = () => {
    isNews = true
  }
  http.on('connection', note)
  for (let turn = 0; isNews && turn < LAST_TURNS; turn++) {
    // The first turn has begun before, and may have looked at the listener already.
    isNews = turn === 0
    await new Promise((resolve) => setImmediate(resolve))
  }
  http.off('connection', note)
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

/**
 * Closes the connections that wait for a request. Node counts those with a response that was ended among them, although its last bytes
 * may wait for a client that reads slowly: here they are kept.
 */
function closeIdle(http: Server, sockets: ReadonlySet<AnsweringSocket>): void {
  const ended = [...sockets].flatMap(({ _httpMessage: response }) => (response?.finished ? response : []))
  for (const response of ended) response.finished = false
  http.closeIdleConnections()
  for (const response of ended) response.finished = true
}

/** A whole request has arrived, and its response is under way. */
function hasRequest({ _httpMessage: response }: AnsweringSocket): boolean {
  return response?.req?.complete === true
}
