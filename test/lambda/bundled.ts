/** The bundle of a server, built once for a test file, with a Redis and functions that `stop` removes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../tools/build.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Lambda, type LambdaOptions, startLambda } from './emulator.ts'

export interface LambdaTests {
  redis: RedisServer
  /** On the Redis of these tests unless `env` names another. */
  start(options?: Omit<LambdaOptions, 'task'>): Promise<Lambda>
  stop(): Promise<void>
}

/** The same in every environment, as a secret of a deployment is. */
const MCP_SECRET = Buffer.alloc(32, 7).toString('base64')

/** `module`: of the server, in test/fixtures. */
export async function lambdaTests(module = 'everything.ts'): Promise<LambdaTests> {
  const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-bundle-'))
  const server = fileURLToPath(new URL(`../fixtures/${module}`, import.meta.url))
  const [redis] = await Promise.all([startRedis(), bundle({ server, out })])
  const started: Lambda[] = []
  return {
    redis,
    async start(options = {}) {
      const env = { REDIS_URL: redis.url, MCP_SECRET, POLL_WAIT_SECONDS: '0.2', ...options.env }
      const lambda = await startLambda({ task: join(out, 'lambda'), ...options, env })
      started.push(lambda)
      return lambda
    },
    async stop() {
      await Promise.all(started.map((lambda) => lambda.stop()))
      await redis.stop()
      rmSync(out, { recursive: true, force: true })
    },
  }
}
