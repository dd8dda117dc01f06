/** The official clients over nginx, with its default buffering, before three instances of the Node bundle. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { configurations, type Nginx, startNginx } from './nginx.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'
import { officialClientTests } from './official.ts'

let redis: RedisServer
let instances: NodeInstance[] = []
let remove: () => void

beforeAll(async () => {
  const [started, bundled] = await Promise.all([startRedis(), nodeBundle()])
  redis = started
  remove = bundled.remove
  const env = {
    REDIS_URL: redis.url,
    MCP_SECRET: Buffer.alloc(32, 7).toString('base64'),
    ALLOWED_HOSTS: '127.0.0.1,endpoint',
  }
  instances = await Promise.all([1, 2, 3].map(() => NodeInstance.start(bundled.file, env)))
})
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()))
  await redis.stop()
  remove()
})

describe.each(Object.entries(configurations))('%s', (_, configure) => {
  let nginx: Nginx
  beforeAll(async () => {
    nginx = await startNginx(
      configure,
      instances.map(({ url }) => url.host),
    )
  })
  afterAll(async () => {
    expect(nginx.errors()).toBe('')
    await nginx.stop()
  })

  officialClientTests(() => nginx)
})
