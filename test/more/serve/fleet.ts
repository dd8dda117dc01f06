/** Three instances of `mcp-anywhere serve` for one package, on one Redis and behind round robin. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { Served } from '../../cli/serve/served.ts'
import { startRoundRobin } from '../../support/proxy.ts'
import type { RedisServer } from '../../support/redis.ts'
import { installed } from '../support/installed.ts'
import { packages } from './packages.ts'

const SIZE = 3

export interface ServeFleet {
  /** The endpoint behind the load balancer. */
  url: URL
  /** The number of requests to each instance. */
  counts: readonly number[]
  /** Resolves when a line of the first instance matches. */
  line(pattern: RegExp): Promise<string>
  stop(): Promise<void>
}

/**
 * @param name of a package in {@link packages}
 * @param more arguments of `serve`
 */
export async function startServeFleet(
  name: string,
  redis: RedisServer,
  more: readonly string[] = [],
): Promise<ServeFleet> {
  const { env, args } = packages[name] ?? {}
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-serve-'))
  const own = args?.(folder) ?? []
  const prefix = [name, ...more].join('').replace(/\W/g, '')
  const start = async () =>
    Served.start([name, ...more, ...(own.length > 0 ? ['--', ...own] : [])], {
      cwd: await installed('serve'),
      env: { ...env, REDIS_URL: redis.url, REDIS_PREFIX: prefix },
      cli: join(inject('installation'), 'node_modules/mcp-anywhere/dist/cli/main.js'),
    })
  const instances = await Promise.all(Array.from({ length: SIZE }, start))
  const [first] = instances as [Served, ...Served[]]
  const proxy = await startRoundRobin(instances.map(({ url }) => url.origin))
  return {
    url: new URL('/mcp', proxy.url),
    counts: proxy.counts,
    line: (pattern) => first.line(pattern),
    async stop() {
      await proxy.close()
      await Promise.all(instances.map((instance) => instance.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
