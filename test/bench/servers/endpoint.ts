/** A server of the official SDK, as it is, in an endpoint of this project. */
import { createEndpoint } from '../../../lib/endpoint.ts'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import { REDIS_URL, start } from './serve.ts'

export async function startEndpoint(server: Parameters<typeof createEndpoint>[0]): Promise<void> {
  let errors = 0
  const endpoint = createEndpoint(server, {
    store: REDIS_URL === undefined ? memoryStore() : redisStore(REDIS_URL),
    allowedHosts: 'local',
    onError: (error) => {
      errors++
      console.error(error)
    },
  })
  await endpoint.ready()
  start(endpoint.fetch as never, () => errors)
}
