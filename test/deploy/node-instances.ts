/** The instances of a test file, with one Redis: each test stops its own. */
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'

export let redis: RedisServer
let bundled: { file: string; remove(): void }
const instances: NodeInstance[] = []

beforeAll(async () => {
  const [server, built] = await Promise.all([startRedis(), nodeBundle()])
  redis = server
  bundled = built
})
afterEach(async () => {
  redis.resume()
  await Promise.all(instances.splice(0).map((instance) => instance.stop()))
})
afterAll(async () => {
  await redis.stop()
  bundled.remove()
})

export async function start(env: Record<string, string> = {}): Promise<NodeInstance> {
  const instance = await NodeInstance.start(bundled.file, { REDIS_URL: redis.url, ...env })
  instances.push(instance)
  return instance
}
