/**
 * An instance of the everything server as a process of its own. The test passes settings as JSON, and reads statistics
 * and triggers announcements by the routes under `/__test`.
 */
import { createEndpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { Servable } from '../../lib/sdk/official.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { TERMS } from '../../lib/tasks/terms.ts'
import { serveInstance } from './serve-instance.ts'

const {
  redisUrl,
  options: given,
  plain,
  module,
} = JSON.parse(process.env.INSTANCE ?? '{}') as {
  redisUrl: string
  options: EndpointOptions & { taskLease?: number }
  /** Without a key, so that the test can read and change the texts in Redis. */
  plain?: boolean
  /** The module that exports the server, from here; default: the everything server. */
  module?: string
}
const { taskLease, ...options } = given
if (taskLease !== undefined) Object.assign(TERMS, { lease: taskLease, backOff: [100, 500, 1_000] })
/** The key of every instance of a fleet. */
const keys = [Buffer.alloc(32, 'a key for tests')]
const { server, serving } = (await import(module ?? '../fixtures/everything.ts')) as {
  server: Servable
  serving?: EndpointOptions
}
const endpoint = createEndpoint(server, {
  ...serving,
  allowedHosts: 'local',
  ...(!plain && { keys }),
  ...options,
  store: redisStore(redisUrl),
})

endpoint.app.get('/__test/stats', (c) => c.json({ id: endpoint.instanceId, ...endpoint.stats(), pid: process.pid }))
endpoint.app.post('/__test/announce', async (c) => {
  const { kind, uri } = await c.req.json<{ kind: 'tools' | 'prompts' | 'resources' | 'updated'; uri?: string }>()
  if (kind === 'tools') await endpoint.notify.toolsChanged()
  else if (kind === 'prompts') await endpoint.notify.promptsChanged()
  else if (kind === 'resources') await endpoint.notify.resourcesChanged()
  else await endpoint.notify.resourceUpdated(uri ?? '')
  return c.json({})
})

endpoint.app.post('/__test/complete', async (c) => c.json(await endpoint.elicitationCompleted(await c.req.text())))

await endpoint.ready()
serveInstance(endpoint)
