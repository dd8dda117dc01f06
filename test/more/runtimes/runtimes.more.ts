/** The installed package on every runtime that runs JavaScript outside of browsers, as it is. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { expectGreetings, GREETER } from '../support/greeted.ts'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'
import { run } from '../support/run.ts'
import { served } from '../support/served.ts'

const system = `${process.platform}-${process.arch}`
const bun = system.replace('arm64', 'aarch64')
const deno = system.replace(/^linux.*/, '$&-glibc')

/** Name, binary in node_modules, and the arguments before the script. */
const RUNTIMES: [name: string, binary: string, args: string[]][] = [
  ['Node 22', `node22-${system}/bin/node`, []],
  ['Node 24', `node24-${system}/bin/node`, []],
  ['Bun', `@oven/bun-${bun}/bin/bun`, []],
  ['Deno', `@deno/${deno}/deno`, ['run', '--allow-all', '--no-remote']],
]

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

describe.each(RUNTIMES)('%s', (_name, binary, args) => {
  const started = async () => ({
    cwd: await project({ check: 'runtimes', files: { 'greeter.js': GREETER } }),
    program: join(await installed('runtimes'), 'node_modules', binary),
  })

  test('imports every entry, calls a tool, and ends by itself', async () => {
    const { cwd, program } = await started()
    expect(await run(program, [...args, 'every-entry.js'], { cwd })).toBe('5\n')
  })

  test('serves the official clients with sessions in Redis, and ends in good order', async () => {
    const { cwd, program } = await started()
    const { url, end } = await served(program, [...args, 'serve.js'], cwd, { REDIS_URL: redis.url })
    await expectGreetings(url)
    expect(await end()).toBe(0)
  })
})

test.each(RUNTIMES.slice(0, 2))('CommonJS code requires the package on %s', async (_name, binary) => {
  const program = join(await installed('runtimes'), 'node_modules', binary)
  const source =
    "console.log(typeof require('mcp-anywhere').createEndpoint, typeof require('mcp-anywhere/redis').redisStore)"
  const cwd = await project({ files: { 'app.cjs': source } })
  expect(await run(program, ['app.cjs'], { cwd })).toBe('function function\n')
})
