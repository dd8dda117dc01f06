/**
 * What `/readyz` says beyond its one word, to those who run the process. It has no secret and nothing of a client; the cause of the
 * last trouble may have an address. Both routes use it: that of the endpoint's port, and that of the port of metrics.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../../base/clock.ts'
import { onEvent, type StoreEvent } from '../../base/events.ts'
import type { Endpoint } from '../../endpoint.ts'
import type { StoreFacts } from '../../store/admin.ts'
import type { Store } from '../../store/store.ts'
import type { Leaving } from './drain.ts'
import type { ReadinessCheck } from './readiness.ts'

/** Sizes are in bytes. */
interface Details {
  /** The one word. */
  state: string
  instance: string
  server: { name: string; version: string }
  node: string
  uptimeSeconds: number
  draining: boolean
  calls: number
  streams: number
  memory: { rss: number; heapUsed: number; heapLimit: number; requests: number; output: number }
  store: {
    name: string
    /** How long its last answer to this question took. */
    latencyMs?: number
    mode?: string
    version?: string
    memory?: StoreFacts['memory']
  }
  /** The last trouble with the store since the start. `until`: it is over. */
  lastTrouble?: { trouble: string; cause: string; at: string; until?: string }
}

/** How long the details wait for the store, in ms. */
const PATIENCE = 500

interface Parts {
  endpoint: Endpoint
  store: Store
  readiness: ReadinessCheck
  leaving: Leaving
  clock: Clock
}

/** Begins to remember the last trouble with the store. Returns the function that reads the details. */
export function detailsOf({ endpoint, store, readiness, leaving, clock }: Parts): () => Promise<Details> {
  let last: Details['lastTrouble']
  onEvent('store', ({ state, trouble, cause, awayMs }: StoreEvent) => {
    const now = clock.wall()
    const at = new Date(now - awayMs).toISOString()
    last = { trouble, cause: cause.message, at }
    if (state === 'back') last.until = new Date(now).toISOString()
  })
  let asking: Promise<StoreFacts> | undefined
  /** Several questions at once are one to the store. */
  const facts = async (): Promise<StoreFacts | undefined> => {
    const { admin } = store
    if (!admin) return undefined
    asking ??= admin
      .call(store)
      .then((found) => found.facts())
      .finally(() => {
        asking = undefined
      })
    const late = new Promise<undefined>((resolve) => void clock.after(PATIENCE, () => resolve(undefined)))
    return Promise.race([asking.catch(() => undefined), late])
  }
  return async () => {
    const [state, found] = await Promise.all([readiness.state(), facts()])
    const { connections, calls, unregistered } = endpoint.stats()
    const { rss, heapUsed } = process.memoryUsage()
    const { name, version } = endpoint.about()
    const { latency } = readiness
    return {
      state,
      instance: endpoint.instanceId,
      server: { name, version },
      node: process.versions.node,
      uptimeSeconds: Math.round(process.uptime()),
      draining: leaving.begun,
      calls: calls + unregistered,
      streams: connections,
      memory: { rss, heapUsed, heapLimit: getHeapStatistics().heap_size_limit, ...endpoint.held() },
      store: {
        name: store.name,
        ...(latency !== undefined && { latencyMs: Math.round(latency * 100) / 100 }),
        ...(found?.mode !== undefined && { mode: found.mode }),
        ...(found?.version !== undefined && { version: found.version }),
        ...(found?.memory && { memory: found.memory }),
      },
      ...(last && { lastTrouble: last }),
    }
  }
}

/** A request, as far as it decides who gets the details. Exported for tests. */
export interface Asking {
  /** The address of the other end of the connection. */
  remote: string | undefined
  header(name: string): string | undefined
}

/** Headers of proxies: a request that has one does not come from this machine, whatever its connection does. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']
const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
const LOOPBACK_HOST = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)(?::\d+)?$/

/**
 * Whether a request at the endpoint's port may have the details: with the token, or from this machine. Behind proxies
 * (`TRUSTED_PROXIES`) the token alone counts, since one of them may be on this machine.
 */
export function isTrusted(
  { remote, header }: Asking,
  { token, proxies }: { token: string | undefined; proxies: number },
): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(header('authorization') ?? '') ?? []
  if (token !== undefined && given !== undefined) return isSame(given, token)
  if (proxies > 0 || remote === undefined || !LOOPBACK_ADDRESS.test(remote)) return false
  return LOOPBACK_HOST.test(header('host') ?? '') && FORWARDED.every((name) => header(name) === undefined)
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
