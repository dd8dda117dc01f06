/** A process that listens by itself: its settings, its log and its store. */
import type { AddressInfo } from 'node:net'
import type { Servable } from '../../sdk/official.ts'
import { type Store, StoreRefused } from '../../store/store.ts'
import { readyOrStop } from '../endpoint.ts'
import { readEnvironment, type Settings } from '../environment.ts'
import { type Log, openLog } from '../log.ts'
import { openStore } from '../store.ts'
import { serveNode } from './serve.ts'

/** Serves `server` with the settings of the environment, until the process gets SIGTERM or SIGINT. */
export async function listen(server: Servable): Promise<void> {
  const settings = readEnvironment(process.env)
  // What stops the start has one line, which `tryStore` prints.
  let starting = true
  const log = openLog({ requests: settings.log, skips: (cause) => starting && cause instanceof StoreRefused })
  for (const warning of settings.warnings) log.say('WARNING', warning)
  const store = await openStore(settings, log.error)
  const page = settings.page ? (await import('../../page/routes.ts')).page : undefined
  const { http, endpoint } = serveNode(server, { settings, store, log, page })
  await readyOrStop(server, endpoint, log)
  http.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    stop(code === 'EADDRINUSE' ? `PORT ${settings.port} is in use on ${settings.host}.` : `HOST, PORT: ${message}.`),
  )
  http.listen(settings.port, settings.host, () => {
    const { port } = http.address() as AddressInfo
    announce(`http://${settings.host}:${port}${settings.endpoint.path}`, settings, log)
    tryStore(store).finally(() => {
      starting = false
    })
  })
}

/** Ends the start with one line. */
function stop(why: string): never {
  console.error(why)
  process.exit(1)
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

function announce(address: string, { redisUrl, redisName }: Settings, log: Log): void {
  const place = redisUrl ? `Redis at ${redisName}` : 'this process (set REDIS_URL to share them)'
  if (log.asJson) return log.say('INFO', 'listening', { address, sessions: place })
  console.log(`MCP endpoint  ${address}`)
  console.log(`Sessions in   ${place}`)
  console.log(`Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`)
}
