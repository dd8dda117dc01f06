/** A server for a local host, which starts it as a process and talks to it by lines on stdin and stdout. */
import { systemClock } from '../base/clock.ts'
import { asError } from '../base/errors.ts'
import { createEndpoint, type EndpointOptions } from '../endpoint.ts'
import { dispatcherFor, type Servable } from '../sdk/official.ts'
import { SETTINGS } from '../settings.ts'
import { memoryStore } from '../store/memory/index.ts'
import { StdioBridge } from './bridge.ts'
import { linesOf } from './lines.ts'
import { LineWriter, takeStdout } from './output.ts'

/** Options of the endpoint that mean something to a local client. */
export type StdioOptions = Pick<EndpointOptions, 'session' | 'stateless' | 'http' | 'onError'>

/** The client of a process has one session, which lasts as long as the process. ms */
const FOR_EVER = 10 * 365 * 86_400_000
const LIFETIMES = { idleLifetime: FOR_EVER, firstLifetime: 2_000_000_000, maxLifetime: FOR_EVER }

/** ms; longer than a timer of Node may wait would be at once. */
const KEEP_ALIVE = 86_400_000

function logError(error: unknown): void {
  const { stack, message } = asError(error)
  console.error(stack ?? message)
}

/**
 * Serves `server` to the host that started this process, in every revision: with a session, or stateless. From now on stdout
 * has nothing but messages: `console.log` and its like write to stderr.
 *
 * When the host closes stdin, or on SIGTERM or SIGINT, running calls end, their responses are written, and the process exits.
 *
 * @returns never, but for an input that ends: the process exits
 * @throws TypeError with one line for an option that cannot work
 *
 * @example
 * import { serveStdio } from 'mcp-anywhere/stdio'
 * import { server } from './server.ts'
 *
 * await serveStdio(server)
 */
export async function serveStdio(server: Servable, options: StdioOptions = {}): Promise<void> {
  const output = new LineWriter(takeStdout())
  const { onError = logError } = options
  const dispatcher = dispatcherFor(server)
  const session = { ...LIFETIMES, ...options.session }
  const endpoint = createEndpoint(dispatcher, { ...options, store: memoryStore(), onError, session })
  await endpoint.ready()
  const bridge = new StdioBridge({
    endpoint,
    dispatcher,
    write: (text) => output.line(text),
    report: onError,
    wait: (ms) => new Promise((resolve) => void systemClock.after(ms, resolve)),
  })
  // The host may have gone: nobody reads.
  const gone = new Promise<void>((resolve) => void process.stdout.on('error', () => resolve()))
  const signalled = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  // An input that has ended and timers of the endpoint do not keep the process alive.
  const alive = setInterval(() => {}, KEEP_ALIVE)
  const { maxBytes = SETTINGS.http.maxBytes.default } = options.http ?? {}
  const read = async () => {
    for await (const line of linesOf(process.stdin, maxBytes)) await bridge.receive(line)
    await bridge.finish()
  }
  await Promise.race([read(), gone, signalled])
  // What still runs has the time of a drain.
  await endpoint.close()
  await bridge.end()
  await Promise.race([output.flushed(), gone])
  clearInterval(alive)
  process.exit()
}
