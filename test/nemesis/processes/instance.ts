/** An instance of the run, as a process. */
import { getActiveResourcesInfo } from 'node:process'
import { createEndpoint, type EndpointOptions } from '../../../lib/endpoint.ts'
import { type RedisStoreOptions, redisStore } from '../../../lib/store/redis/index.ts'
import { TERMS } from '../../../lib/tasks/terms.ts'
import { serveInstance } from '../../support/serve-instance.ts'
import { middlewareAuth, PRINCIPAL } from '../clients/tasks/principal.ts'
import { timelineFrom } from '../timeline.ts'
import { openLedger } from './ledger.ts'
import { makeServer } from './tools.ts'

export interface InstanceSettings {
  name: string
  origin: number
  ledger: string
  store: RedisStoreOptions
  /** ms, as the session's lease is: the faults of the run are as long. */
  taskLease: number
  endpoint: Omit<EndpointOptions, 'store'>
}

/** A process that stood still for longer than this, in ms, says so in the ledger. */
const STALL = 300
const TICK = 50

const given = JSON.parse(process.env.INSTANCE ?? '{}') as InstanceSettings
const { name, origin, ledger, store, endpoint: options } = given
Object.assign(TERMS, { lease: given.taskLease, backOff: [250, 1_000, 2_000] })
const now = timelineFrom(origin)
const write = openLedger(ledger, name, now)
const endpoint = createEndpoint(makeServer(name, write, now), {
  allowedHosts: 'local',
  keys: [Buffer.alloc(32, 'a key for tests')],
  ...options,
  store: redisStore(store),
  onError: (error) => {
    if (!(error instanceof Error)) console.error(error)
    // A store that does not answer is expected here.
    else console.error(error.name === 'StoreUnavailable' ? String(error) : error.stack)
  },
})

let last = now()
setInterval(() => {
  const at = now()
  if (at - last > STALL) write({ e: 'stall', ms: Math.round(at - last) })
  last = at
}, TICK)

endpoint.app.get('/__test/stats', (c) => {
  globalThis.gc?.()
  const sockets = getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
  const { connections, calls, unregistered } = endpoint.stats()
  return c.json({ connections, calls: calls + unregistered, sockets, heap: process.memoryUsage().heapUsed })
})

/** Callers with a name of their own are those of a middleware; the others are one caller. */
serveInstance({
  ...endpoint,
  fetch(request, options) {
    const caller = request.headers.get(PRINCIPAL)
    return endpoint.fetch(request, caller === null ? options : { ...options, auth: middlewareAuth(caller) })
  },
})
