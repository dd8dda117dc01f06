/** What happens seldom to `mcp-anywhere dev`: crashes in a loop, a Redis that ends, a Redis of others, another name. */
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { type DevClient, sdk1 } from '../../cli/dev/clients.ts'
import { Dev, Project, SERVES, serverSource, type Who } from '../../cli/dev/project.ts'
import { startRedis } from '../../support/redis.ts'

const PATIENT = { timeout: 120_000 }

let project: Project
let dev: Dev
let client: DevClient | undefined

async function start(settings?: ConstructorParameters<typeof Dev>[1], source?: string): Promise<DevClient> {
  project = new Project(source)
  dev = await Dev.start(project, settings)
  client = await sdk1(dev.url)
  return client
}

afterEach(async () => {
  await client?.close().catch(() => {})
  await dev.stop()
  project.remove()
})

test('a server that crashes again and again waits for the next change', async () => {
  const { call } = await start({}, serverSource("if (version === 'v2') setTimeout(() => process.exit(3), 2_000)"))
  await dev.after(() => project.version('v2'), /crashes again and again/)
  await expect.poll(async () => (await fetch(dev.url, { method: 'POST' })).status, PATIENT).toBe(503)
  const refused = await fetch(dev.url, { method: 'POST' })
  expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', error: { message: /crashed/ } })
  await dev.after(() => project.version('v3'), SERVES)
  expect(await call('who')).toMatchObject({ version: 'v3' })
})

test('a call that only reads goes on in the other instance when its own is killed', async () => {
  const source = serverSource(`
server.registerTool('read', { annotations: { readOnlyHint: true }, inputSchema: z.object({ file: z.string() }) }, async ({ file }, ctx) => {
  await ctx.progress(1)
  console.log('reading', process.pid)
  while (!existsSync(file)) await sleep(10)
  return new Answer(who()).result
})`)
  const { call } = await start({}, source)
  const from = dev.lines.length
  let began = () => {}
  const streams = new Promise<void>((resolve) => {
    began = resolve
  })
  const answer = call('read', { file: join(project.folder, 'done') }, () => began())
  await streams
  const first = Number((await dev.line(/reading \d+/, from)).split(' ').at(-1))
  const again = dev.lines.length
  process.kill(first, 'SIGKILL')
  const second = Number((await dev.line(/reading \d+/, again)).split(' ').at(-1))
  project.write('done', '')
  expect(second).not.toBe(first)
  expect(await answer).toMatchObject({ pid: second })
})

test('the Redis of REDIS_URL is used, and stays', async () => {
  const redis = await startRedis()
  try {
    const { call } = await start({ redis: true, env: { REDIS_URL: redis.url } })
    expect(dev.lines.join('\n')).toMatch(/^Sessions in +Redis at 127\.0\.0\.1:\d+ \(REDIS_URL\)$/m)
    expect(await call('who')).toMatchObject({ redis: redis.url })
    await dev.stop()
    const admin = new Redis(redis.url)
    expect(await admin.dbsize()).toBeGreaterThan(0)
    admin.disconnect()
  } finally {
    await redis.stop()
  }
})

test('the Redis of the command is started again where it ends', async () => {
  const { call } = await start({ redis: true })
  const { redis: address = '' }: Who = await call('who')
  const redis = new Redis(decodeURIComponent(new URL(address).pathname))
  const [, pid] = /process_id:(\d+)/.exec(await redis.info('server')) ?? []
  redis.disconnect()
  await dev.after(() => process.kill(Number(pid), 'SIGKILL'), /Redis has ended \(SIGKILL\)\. It is started again/)
  await expect
    .poll(async () => {
      const other = await sdk1(dev.url)
      const { version } = await other.call('who')
      await other.close()
      return version
    }, PATIENT)
    .toBe('v1')
})

test('a server whose name changes is served, and keeps its sessions', async () => {
  const { call } = await start({ redis: true })
  await call('who')
  await dev.after(() => project.write('src/server.ts', serverSource().replace('a project', 'renamed')), SERVES)
  expect(await call('who')).toMatchObject({ version: 'v1' })
})
