/** A process that listens by itself: its settings, its log and its store. */
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../base/clock.ts'
import type { Endpoint } from '../../endpoint.ts'
import { page } from '../../page/routes.ts'
import type { Servable } from '../../sdk/official.ts'
import { sealedStore } from '../../store/sealed.ts'
import { type Store, StoreRefused } from '../../store/store.ts'
import { readyOrStop } from '../endpoint.ts'
import { readEnvironment, type Settings } from '../environment.ts'
import { type Log, type Output, openLog } from '../log.ts'
import { type EntryOptions, openStore } from '../store.ts'
import type { ServedExecutor } from './cloud-tasks/open.ts'
import { exit } from './exit.ts'
import type { MetricsServer } from './metrics.ts'
import { serveNode } from './serve.ts'

/**
 * When an instance reports itself first, in ms after its start: a request that has waited for the start should not wait for the
 * code of reports.
 */
const FIRST_REPORT = 1_000

/** Serves `server` with the settings of the environment, until the process gets SIGTERM or SIGINT. */
export async function listen(server: Servable, options: EntryOptions = {}): Promise<void> {
  await listenWith(server, { settings: readEnvironment(process.env), ...options })
}

interface ListenParts extends EntryOptions {
  settings: Settings
  /** Where the start and the requests are written; default: stdout. */
  out?: Output | undefined
  /** Sentences for the log of the start. */
  notes?: readonly string[]
  /** Called with the log of the process, before the server is opened. */
  logged?: (log: Log) => void
}

/**
 * {@link listen} with settings that have been read.
 *
 * @returns ends the process in the order of a signal, with the exit code 1
 */
export async function listenWith(
  server: Servable,
  { settings, out = process.stdout, notes = [], logged, redis }: ListenParts,
): Promise<() => void> {
  // What stops the start has one line, which `tryStore` prints.
  let starting = true
  const skips = (cause: Error) => starting && cause instanceof StoreRefused
  const log = openLog({ requests: settings.log, out, skips })
  logged?.(log)
  for (const warning of settings.warnings) log.say('WARNING', warning)
  for (const note of notes) log.say('INFO', note)
  const metrics = await openMetrics(settings, log)
  const store = await openStore(settings, log, { redis })
  const executor = process.env.TASK_EXECUTOR ? await openExecutor(settings, log) : undefined
  const parts = { settings, store, log, page: settings.page ? page : undefined, metrics, executor }
  const { http, endpoint, leaving } = serveNode(server, parts)
  await readyOrStop(server, endpoint, log)
  http.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    stop(code === 'EADDRINUSE' ? `PORT ${settings.port} is in use on ${settings.host}.` : `HOST, PORT: ${message}.`),
  )
  http.listen(settings.port, settings.host, () => {
    const { port } = http.address() as AddressInfo
    announce(`http://${settings.host}:${port}${settings.endpoint.path}`, placeOf(settings, redis), log, out)
    tryStore(store).finally(() => {
      starting = false
      systemClock.after(FIRST_REPORT, () => leaving.begun || reportInstance(endpoint, store, settings))
    })
  })
  return () => leaving.fail()
}

/** Records metrics from now on, where the settings ask for them. What they need is loaded here. */
async function openMetrics(settings: Settings, log: Log): Promise<MetricsServer | undefined> {
  if (settings.metricsPort === undefined && settings.metricsToken === undefined) return undefined
  const { openMetrics: open } = await import('./metrics.ts')
  return open(settings, log).catch((error: Error) => stop(error.message))
}

/** Undefined: this process runs the legs of tasks itself. */
async function openExecutor({ endpoint }: Settings, log: Log): Promise<ServedExecutor | undefined> {
  const { executorOrStop } = await import('../executor.ts')
  const settings = executorOrStop(process.env)
  if (settings.kind !== 'cloud-tasks') return undefined
  const { openCloudTasks } = await import('./cloud-tasks/open.ts')
  const { responseLimit } = endpoint.session ?? {}
  return openCloudTasks(settings, { clock: systemClock, onError: log.error, responseLimit, keys: endpoint.keys })
}

/** Ends the start with one line. */
function stop(why: string): never {
  console.error(why)
  exit(1)
}

/**
 * Asks the store once. A store that refuses this process stops it: no request would change that. Where the store does not
 * answer, its cause is logged, and the process goes on: stateless calls need no store. The first requests do not wait for it.
 */
async function tryStore(store: Store): Promise<void> {
  await store.ping().catch((error) => {
    if (error instanceof StoreRefused) stop(error.message)
  })
}

/** Begins the reports of this instance to operators, where the store is shared. */
async function reportInstance(
  instance: Endpoint,
  given: Store,
  { reportEvery, endpoint: { keys, unsealed } }: Settings,
): Promise<void> {
  if (reportEvery === 0 || !given.admin) return
  const { beginReports } = await import('../../admin/heartbeat.ts')
  const store = keys ? sealedStore(given, keys, unsealed) : given
  const admin = await store.admin?.()
  if (admin) beginReports({ instance, store: admin, every: reportEvery, clock: systemClock })
}

/** Where the sessions are. */
function placeOf({ redisName }: Settings, redis: EntryOptions['redis']): string {
  if (redis !== undefined) return 'Redis (a client of the entry)'
  return redisName === undefined ? 'this process (set REDIS_URL to share them)' : `Redis at ${redisName}`
}

function announce(address: string, place: string, log: Log, out: Output): void {
  if (log.asJson) return log.say('INFO', 'listening', { address, sessions: place })
  const lines = [
    `MCP endpoint  ${address}`,
    `Sessions in   ${place}`,
    `Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`,
  ]
  out.write(`${lines.join('\n')}\n`)
}
