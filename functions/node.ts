/** Node: Cloud Run, containers, a laptop. `node functions/node.ts [module that exports server]` */
import { existsSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { isatty } from 'node:tty'
import { pathToFileURL } from 'node:url'
import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import { serve } from '@hono/node-server'
import { createEndpoint } from '../lib/endpoint.ts'
import { readEnvironment } from '../lib/platform/environment.ts'
import { requestLog } from '../lib/platform/log.ts'
import { minded } from '../lib/platform/node/harden.ts'
import { openStore } from '../lib/platform/store.ts'
import type { McpServer } from '../lib/server/mcp-server.ts'

const settings = readEnvironment(process.env)
const log = requestLog(settings)
for (const warning of settings.warnings) {
  if (log) log.say('WARNING', warning)
  else console.error(`WARNING: ${warning}`)
}
const onError =
  log &&
  ((error: unknown) => log.say('ERROR', error instanceof Error ? `${error.name}: ${error.message}` : String(error)))
const file = process.argv[2]
if (file !== undefined && !existsSync(file)) stop(`There is no ${file}.`)
const { server } = (await import(file ? pathToFileURL(file).href : './server.ts')) as { server?: McpServer }
if (typeof server?.registerTool !== 'function')
  stop(`${file ?? 'functions/server.ts'} must export "server", an McpServer.`)
const store = await openStore(settings)
const endpoint = createEndpoint(server, { store, onError, ...settings.endpoint })

/** Ends the start with one line. */
function stop(why: string): never {
  console.error(why)
  process.exit(1)
}

// Whether it is of use: `/healthz` says whether it is alive, and a Redis that is away for a moment is no reason to die.
endpoint.app.get('/readyz', (c) =>
  store.ping().then(
    () => c.json({ status: 'ok', store: store.name }),
    () => c.json({ status: 'the store does not answer', store: store.name }, 503, { 'Retry-After': '1' }),
  ),
)

let closing = false

function answer(request: Request, env: HttpBindings | Http2Bindings): Response | Promise<Response> {
  const { incoming, outgoing } = env as HttpBindings
  // Whoever sends requests over this connection should look for another instance.
  if (closing) outgoing.shouldKeepAlive = false
  if (!log) return endpoint.fetch(request, env)
  const line = log.begin(request.method, traceOf(incoming))
  outgoing.once('close', () => line.end(outgoing.statusCode))
  return endpoint.fetch(request, { ...env, note: line.note })
}

/** What the load balancer calls the request. */
function traceOf({ headers }: IncomingMessage): string | undefined {
  const [id] = [headers['x-request-id'], headers['x-cloud-trace-context']].flat()
  return id?.slice(0, 128)
}

const http = serve(
  {
    fetch: answer,
    port: settings.port,
    hostname: settings.host,
    serverOptions: {
      // Longer than any load balancer keeps an idle connection (Google 600 s, AWS 60 s by default, nginx 60 s): the side
      // that sends the next request must be the one that gives a connection up, or requests meet a closing one.
      keepAliveTimeout: 620_000,
      headersTimeout: Math.min(30_000, settings.requestTimeout),
      requestTimeout: settings.requestTimeout,
      connectionsCheckingInterval: Math.min(10_000, settings.requestTimeout / 2),
    },
  },
  ({ port }) => {
    const address = `http://${settings.host}:${port}/mcp`
    const place = settings.redisUrl ? `Redis at ${settings.redisName}` : 'this process (set REDIS_URL to share them)'
    if (log) return log.say('INFO', 'listening', { address, sessions: place })
    console.log(`MCP endpoint  ${address}`)
    console.log(`Sessions in   ${place}`)
    console.log(
      `Try it        npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`,
    )
  },
) as Server
minded(http)
http.on('error', (error: NodeJS.ErrnoException) => {
  const { code, message } = error
  stop(code === 'EADDRINUSE' ? `PORT ${settings.port} is in use on ${settings.host}.` : `HOST, PORT: ${message}.`)
})

/** The platform kills after 10 s. */
const LONGEST_GOODBYE = 9_500

async function shutDown(): Promise<void> {
  closing = true
  setTimeout(() => process.exit(1), LONGEST_GOODBYE).unref()
  const closed = new Promise((resolve) => http.close(resolve))
  await endpoint.close()
  // The last bytes of each response are still on their way; connections without one have nothing to wait for.
  const idle = setInterval(() => http.closeIdleConnections(), 20)
  await closed
  clearInterval(idle)
}

function end(): void {
  if (closing) return
  shutDown().then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
}
process.on('SIGTERM', end)
process.on('SIGINT', end)

// Cloud Run announces maintenance of its network with SIGTSTP and the end of it with SIGCONT: connections break, but
// nothing must stop. At a terminal the signal is Ctrl-Z and means what it always means.
if (!isatty(0)) process.on('SIGTSTP', () => {})
process.on('SIGCONT', () => endpoint.wake(Number.POSITIVE_INFINITY))
