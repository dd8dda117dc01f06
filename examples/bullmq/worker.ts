/** A worker, which no client calls: it runs the legs of tasks. `REDIS_URL=… MCP_SECRET=… node examples/bullmq/worker.ts` */
import { createEndpoint, readKeyRing } from 'mcp-anywhere'
import { redisStore } from 'mcp-anywhere/redis'
import { bullExecutor, runLegs } from './legs.ts'
import { server } from './server.ts'

const { REDIS_URL = 'redis://127.0.0.1:6379', MCP_SECRET = '', CONCURRENCY = '50' } = process.env

const { executor, close } = bullExecutor(REDIS_URL)
// The same server, store and keys as those of the instances: a task goes on wherever its record can be read.
const endpoint = createEndpoint(server, {
  store: redisStore(REDIS_URL),
  keys: readKeyRing(MCP_SECRET),
  executor,
})
const worker = runLegs(endpoint, REDIS_URL, Number(CONCURRENCY))
console.log('The worker is ready.')

process.once('SIGTERM', async () => {
  // The worker takes no further job. The endpoint gives the legs back that do not end in time, and has them queued again.
  const stopped = worker.close()
  await endpoint.close()
  await stopped
  await close()
})
