/** An instance of `dev`: a process that serves the bundled server as a deployed one does, on the socket that it is given. */
import * as inspector from 'node:inspector'
import { stackOf } from '../../base/errors.ts'
import { onEvent, type RefusalKind } from '../../base/events.ts'
import type { Endpoint } from '../../endpoint.ts'
import type { PageFleet } from '../../page/options.ts'
import { pageWith } from '../../page/routes.ts'
import { readyOrStop } from '../../platform/endpoint.ts'
import { readEnvironment, type Settings } from '../../platform/environment.ts'
import { openLog } from '../../platform/log.ts'
import { serveNode } from '../../platform/node/serve.ts'
import { redisOptions } from '../../platform/redis.ts'
import { STATELESS_REVISION } from '../../protocol/revisions.ts'
import { dispatcherFor, type Servable } from '../../sdk/official.ts'
import type { Dispatcher } from '../../server/dispatcher.ts'
import { redisStore } from '../../store/redis/index.ts'
import { type Store, StoreRefused } from '../../store/store.ts'
import { isOfDev, type List, type Order, type Report, type Roll, type Start } from './messages.ts'
import { newReasons } from './refusals.ts'
import { ipcStore } from './store/ipc-store.ts'

const report = (message: Report) => void process.send?.(message, () => {})

/** @param load imports the module of the server */
export async function serveInstance(load: () => Promise<{ server: Servable }>): Promise<void> {
  // The process that started this one has ended, and took the sessions with it.
  process.once('disconnect', () => process.exit(0))
  const start = JSON.parse(process.argv[2] ?? '{}') as Start
  if (start.inspect !== undefined) openInspector(start.inspect)
  const { server } = await load().catch(stop)
  const settings = readEnvironment(process.env)
  const out = { isTTY: true, write: (text: string) => process.stdout.write(text) }
  const log = openLog({ requests: settings.log ?? true, out, err: out, forAuthor: true })
  const store = openStore(settings, start.ownRedis, log.error)
  // Another server on the same Redis, or a Redis that lets nobody in: no request would change that.
  await store.ping().catch((error) => {
    if (error instanceof StoreRefused) stop(error.message)
  })
  onEvent('drain-start', () => report({ dev: 'leaving' }))
  reportRefusals()
  const dispatcher = dispatcherFor(server)
  const page = settings.page ? pageWith({ instance: String(start.number), fleet: shownFleet() }) : undefined
  const { http, endpoint } = serveNode(dispatcher, { settings, store, log, page })
  await readyOrStop(server, endpoint, log)
  obey(endpoint, start.inspect)
  const { name, lists } = describe(dispatcher)
  http.listen(start.socket, () => report({ dev: 'ready', name, lists }))
}

/** The instances as the page shows them and ends them. */
function shownFleet(): PageFleet {
  let roll: Roll | undefined
  process.on('message', (message) => {
    if (isOfDev(message) && message.dev === 'roll') roll = message
  })
  return {
    get token() {
      return roll?.killToken
    },
    instances: () => roll?.instances ?? [],
    kill: (name) => report({ dev: 'kill', number: Number(name) }),
  }
}

/** What the author explains to a client that was set up otherwise: each reason once, since clients try again. */
function reportRefusals(): void {
  const news = newReasons()
  onEvent('refusal', ({ kind, status, reason }) => {
    if (EXPLAINED.has(kind) && news(reason)) report({ dev: 'refused', refused: { status, reason } })
  })
}

const EXPLAINED: ReadonlySet<RefusalKind> = new Set([
  'host',
  'origin',
  'token_missing',
  'token_malformed',
  'token_invalid',
  'scope',
  'session',
])

function stop(reason: unknown): never {
  console.error(typeof reason === 'string' ? reason : stackOf(reason))
  process.exit(1)
}

function openStore(settings: Settings, ownRedis: boolean, onError: (error: unknown) => void): Store {
  if (settings.redisUrl === undefined) return ipcStore(process, { onError })
  const store = redisStore({ ...redisOptions(settings), onError })
  // Nobody else has this Redis, so that a server may get another name while it is written.
  return ownRedis ? { ...store, serve: undefined } : store
}

function describe(dispatcher: Dispatcher): { name: string; lists: List[] } {
  const offer = { listChanged: true, subscribe: true, logging: true }
  const { info, capabilities } = dispatcher.describe(STATELESS_REVISION, offer)
  const lists: List[] = ['tools', 'prompts', 'resources']
  return { name: info.name, lists: lists.filter((list) => capabilities[list] !== undefined) }
}

/** Does what the process above asks for. */
function obey(endpoint: Endpoint, inspect: string | undefined): void {
  process.on('message', async (message) => {
    if (!isOfDev(message) || message.dev === 'roll') return
    const order = message as Order
    if (order.dev === 'announce') await announce(endpoint, order.lists)
    else if (order.open && inspect !== undefined) openInspector(inspect)
    else inspector.close()
    report({ dev: 'done' })
  })
}

async function announce({ notify }: Endpoint, lists: readonly List[]): Promise<void> {
  const announced = lists.map((list) => {
    if (list === 'tools') return notify.toolsChanged()
    return list === 'prompts' ? notify.promptsChanged() : notify.resourcesChanged()
  })
  // A store that does not answer is reported by itself.
  await Promise.allSettled(announced)
}

function openInspector(place: string): void {
  const [port, host = '127.0.0.1'] = place.split(':').reverse()
  inspector.open(Number(port), host)
}
