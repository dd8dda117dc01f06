/** The route handler of docs/package.md in a Next.js app, built and started as for production. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { fenceOf } from '../support/fence.ts'
import { expectGreetings, GREETER } from '../support/greeted.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'
import { served } from '../support/served.ts'

/** As create-next-app writes it, without its comments. */
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2017',
    lib: ['dom', 'dom.iterable', 'esnext'],
    allowJs: true,
    skipLibCheck: true,
    strict: true,
    noEmit: true,
    esModuleInterop: true,
    module: 'esnext',
    moduleResolution: 'bundler',
    resolveJsonModule: true,
    isolatedModules: true,
    jsx: 'react-jsx',
    incremental: true,
  },
  include: ['**/*.ts', '**/*.tsx', '.next/types/**/*.ts'],
  exclude: ['node_modules'],
}

const ROUTE = fenceOf('docs/package.md', 'app/mcp/route.ts')
/** The same route for the server of the other checks, beside it: another path, and other keys in Redis. */
const GREETING = ROUTE.replace(/const server = [\s\S]*?\n}\)\)\n/, "import { server } from '../../../greeter.js'\n")
  .replace('createEndpoint(server, {', "createEndpoint(server, { path: '/greeter/mcp',")
  .replace('redisStore(REDIS_URL)', "redisStore({ url: REDIS_URL, prefix: 'greeter' })")

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

test('a route handler serves the official clients, with sessions in memory and in Redis', async () => {
  const cwd = await project({
    check: 'next',
    packages: 'all',
    files: {
      'app/mcp/route.ts': ROUTE,
      'app/greeter/mcp/route.ts': GREETING,
      'greeter.js': GREETER,
      'tsconfig.json': JSON.stringify(TSCONFIG),
    },
  })
  const next = join(cwd, 'node_modules/next/dist/bin/next')
  const env = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: undefined, CI: '1' }
  await run(process.execPath, [next, 'build'], { cwd, env })
  for (const more of [{}, { REDIS_URL: redis.url }]) {
    const args = [next, 'start', '--hostname', '127.0.0.1', '--port', '0']
    const { url, end } = await served(process.execPath, args, cwd, { ...env, ...more })
    for (const [, connect] of clients) {
      const client = await connect(url)
      expect((await client.call('hello', { name: 'Ada' })).text).toBe('Hello Ada')
      await client.close()
    }
    await expectGreetings(new URL('/greeter/mcp', url))
    await end()
  }
})
