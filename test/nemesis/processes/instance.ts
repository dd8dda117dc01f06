/** An instance of the run, as a process. */
import { getActiveResourcesInfo } from 'node:process'
import { createEndpoint, type EndpointOptions } from '../../../lib/endpoint.ts'
import { type RedisStoreOptions, redisStore } from '../../../lib/store/redis/index.ts'
import { serveInstance } from '../../support/serve-instance.ts'
import { timelineFrom } from '../timeline.ts'
import { openLedger } from './ledger.ts'
import { makeServer } from './tools.ts'

export interface InstanceSettings {
  name: string
  origin: number
  ledger: string
  store: RedisStoreOptions
  endpoint: Omit<EndpointOptions, 'store'>
}

/** A process that stood still for longer than this, in ms, says so in the ledger. */
const STALL = 300
const TICK = 50

const { name, origin, ledger, store, endpoint: options } = JSON.parse(process.env.INSTANCE ?? '{}') as InstanceSettings
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

serveInstance(endpoint)
