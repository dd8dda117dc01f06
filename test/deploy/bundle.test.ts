/** What the bundle has in it, what is loaded at the start, and that nothing is lost on the way. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import Denque from 'denque'
import type { Metafile, Plugin } from 'esbuild'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleServer } from '../../lib/cli/build/bundle-server.ts'
import { Deque } from '../../lib/cli/build/plugins/deque.ts'
import { sizesOf } from '../../lib/cli/build/sizes.ts'
import { bundle, root } from '../../tools/build.ts'
import { makeAuthority } from '../support/certificates.ts'
import { call, initialize, post, toolCall } from '../support/raw.ts'
import { startCluster, startRedis } from '../support/redis.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-sizes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the deployed bundle', () => {
  let metafiles: Record<string, Metafile>
  let metafile: Metafile
  beforeAll(async () => {
    metafiles = await bundle({ server: join(root, 'examples/minimal.ts'), out: folder })
    metafile = metafiles.lambda!
  })

  // A cold start reads and compiles all of it. A third is the Redis client.
  test.each(['lambda', 'lambda-buffered'])('%s: the endpoint without the author’s server is under 300 KB', (entry) => {
    const { own, author, later } = sizesOf(metafile, entry)
    expect(own).toBeLessThan(300_000)
    // The measure works: the server has zod, and some parts are loaded later.
    expect(own).toBeGreaterThan(100_000)
    expect(author).toBeGreaterThan(100_000)
    expect(later).toBeGreaterThan(50_000)
  })

  // Each file costs a look-up, a read and a module of its own.
  test.each([
    ['lambda', 'lambda', 2],
    ['node', 'server', 1],
  ] as const)(
    '%s: the code of the start is one file beside the entry, and one more for the server of two entries',
    (platform, entry, most) => {
      const { outputs } = metafiles[platform]!
      const start = Object.entries(outputs).find(([name]) => name.endsWith(`/${entry}.mjs`))?.[1]
      const loaded = start?.imports.filter(({ kind, external }) => kind === 'import-statement' && !external) ?? []
      expect(loaded).toHaveLength(most)
      const more = loaded
        .flatMap(({ path }) => outputs[path]?.imports ?? [])
        .filter(({ kind, external }) => kind === 'import-statement' && !external)
      expect(more.map(({ path }) => path).filter((path) => !loaded.some((one) => one.path === path))).toEqual([])
    },
  )

  test('before the first answer to a call in a session under 300 KB are loaded, with the check of its arguments', async () => {
    const out = join(folder, 'first-call')
    await bundle({ out, server: join(root, 'test/bench/cold/server.ts') })
    const redis = await startRedis()
    const script = join(import.meta.dirname, 'first-call.mjs')
    const entry = join(out, 'lambda/lambda-buffered.mjs')
    const env = { ...process.env, REDIS_URL: redis.url, MCP_SECRET: Buffer.alloc(32, 7).toString('base64'), LOG: '0' }
    const printed = execFileSync(process.execPath, [script, entry], { env, encoding: 'utf8' })
    await redis.stop()
    const { loaded, text }: { loaded: string[]; text: string } = JSON.parse(printed.trim().split('\n').at(-1) ?? '')
    expect(text).toBe('hello')
    expect(loaded).toContain(entry)
    const names = loaded.map((file) => basename(file))
    for (const name of ['redis-more.cjs', 'schemas-more.cjs', 'rarely-used.cjs']) expect(names).not.toContain(name)
    expect(loaded.map((file) => basename(file))).not.toContain('schemas-more.cjs')
    const sizes = loaded.map((file) => statSync(file).size)
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(300_000)
  })

  test.each([
    'node_modules/jose/',
    'lib/server/schema/validator/validator.ts',
    'lib/server/schema/validator/formats.ts',
    'lib/server/schema/converters.ts',
    'lib/server/schema/shape.ts',
    'node_modules/ioredis/built/cluster/',
    'lib/store/memory/',
    'lib/auth/authenticator.ts',
    'lib/auth/keys.ts',
    'lib/auth/middleware.ts',
    'lib/http/parsed-body.ts',
    'lib/server/context/asking.ts',
    'lib/server/schema/form.ts',
    'lib/session/call/orphans.ts',
    'node_modules/hono/dist/router/trie-router/',
    'lib/stateless/post.ts',
    'lib/session/takeover.ts',
    'lib/server/methods/lists.ts',
    'lib/store/redis/scripts/calls.ts',
  ])('%s is loaded only when it is used', (part) => {
    const { startFiles } = sizesOf(metafile, 'lambda')
    const has = (files: string[]) => files.some((file) => file.includes(part))
    expect(has(startFiles)).toBe(false)
    expect(has(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)))).toBe(true)
  })

  test.each([
    ['lambda', ['lib/platform/node/', 'node_modules/@hono/node-server/']],
    ['node', ['lib/platform/lambda/']],
  ] as const)('the %s bundle has no code of the other platform', (platform, others) => {
    const files = Object.keys(metafiles[platform]!.inputs)
    expect(files.some((file) => file.startsWith(`lib/platform/${platform}/`))).toBe(true)
    expect(files.filter((file) => others.some((other) => file.includes(other)))).toEqual([])
  })

  test('no development dependency is in it', () => {
    const files = Object.keys(metafile.inputs).join('\n')
    for (const name of ['vitest', 'typescript', 'osls', 'esbuild', '@modelcontextprotocol', 'yaml', 'test/']) {
      expect(files).not.toContain(name.endsWith('/') ? name : `node_modules/${name}`)
    }
  })
})

describe('the Redis client in a bundle', () => {
  /** The output of a program that is bundled as the entries are. */
  async function printed(name: string, source: string, url = ''): Promise<string> {
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, source)
    // The program is in a temporary folder: its packages are those of this project.
    const here: Plugin = {
      name: 'here',
      setup: ({ onResolve, resolve }) =>
        onResolve({ filter: /^(redis-errors|ioredis)/ }, ({ path, importer, kind }) =>
          importer === file ? resolve(path, { kind, resolveDir: import.meta.dirname }) : undefined,
        ),
    }
    await bundleServer({ server: file, entries: { [name]: { file } }, outdir: join(folder, name), plugins: [here] })
    const env = { ...process.env, REDIS_URL: url }
    return execFileSync(process.execPath, [join(folder, name, `${name}.mjs`)], { encoding: 'utf8', env })
  }

  test('has errors whose names tell them apart', async () => {
    const names = await printed(
      'names',
      `import errors from 'redis-errors'
      import retries from 'ioredis/built/errors/MaxRetriesPerRequestError.js'
      const { AbortError, ReplyError, InterruptError } = errors
      const all = [new AbortError(), new ReplyError('x'), new InterruptError(), new retries(1)]
      console.log(all.map(({ name }) => name).join())`,
    )
    expect(names).toBe('AbortError,ReplyError,InterruptError,MaxRetriesPerRequestError\n')
  })

  test('has every Redis command, for authors who use the client themselves', async () => {
    const methods = (from: object) => {
      const client = from as { getBuiltinCommands(): string[] } & Record<string, unknown>
      const names = client.getBuiltinCommands().flatMap((name) => [name, `${name}Buffer`])
      return names.filter((name) => typeof client[name] === 'function')
    }
    const lazy = { lazyConnect: true }
    const redis = new Redis(lazy)
    const lists = await printed(
      'commands',
      `import { Redis } from 'ioredis'
      const methods = ${methods.toString()}
      const redis = new Redis(${JSON.stringify(lazy)})
      const { tls } = new Redis({ ...${JSON.stringify(lazy)}, tls: 'RedisCloudFixed' }).options
      console.log(JSON.stringify([methods(redis), methods(redis.pipeline()), tls]))`,
    )
    expect(methods(redis).length).toBeGreaterThan(600)
    const { tls } = new Redis({ ...lazy, tls: 'RedisCloudFixed' as never }).options
    expect(JSON.parse(lists)).toEqual([methods(redis), methods(redis.pipeline()), tls])
  })

  test('has pipelines, transactions, auto-pipelining, scans, scripts and traces, for authors too', async () => {
    const redis = await startRedis()
    const replies = await printed(
      'pipelines',
      `import { Redis } from 'ioredis'
      const url = process.env.REDIS_URL
      const redis = new Redis(url, { keyPrefix: 'p:' })
      const piped = await redis.pipeline().set('a', '1').incr('a').get('a').exec()
      const done = await redis.multi().set('b', '1').get('b').exec()
      const auto = new Redis(url, { enableAutoPipelining: true })
      const values = await Promise.all([auto.get('p:a'), auto.get('p:b')])
      const listed = await redis.multi([['get', 'b']]).exec()
      const begun = [await redis.multi({ pipeline: false }), await redis.get('b'), await redis.exec()]
      const scanned = []
      for await (const keys of redis.scanStream({ match: 'p:a' })) scanned.push(...keys)
      redis.defineCommand('both', { numberOfKeys: 1, lua: 'return {redis.call("GET", KEYS[1]), ARGV[1]}' })
      const both = [await redis.both('a', 'x'), await redis.both('a', 'y')]
      await redis.zadd('z', 1, 'm')
      const scores = await redis.zrange('z', 0, -1, 'WITHSCORES')
      const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel')
      const traced = []
      tracingChannel('ioredis:command').subscribe({ start: ({ command, args }) => traced.push([command, args]) })
      await redis.set('secret', 'value')
      console.log(JSON.stringify([piped, done, values, listed, begun, scanned, both, scores, traced]))
      redis.disconnect()
      auto.disconnect()`,
      redis.url,
    )
    await redis.stop()
    const [ok, none] = ['OK', null]
    expect(JSON.parse(replies)).toEqual([
      [
        [none, ok],
        [none, 2],
        [none, '2'],
      ],
      [
        [none, ok],
        [none, '1'],
      ],
      ['2', '1'],
      [[none, '1']],
      [ok, 'QUEUED', [[none, '1']]],
      ['p:a'],
      [
        ['2', 'x'],
        ['2', 'y'],
      ],
      ['m', '1'],
      [['set', ['p:secret', '?']]],
    ])
  })

  test('has subscriptions in both protocols, MONITOR, blocking commands with a limit, and a client without a password', async () => {
    const redis = await startRedis()
    const seen = await printed(
      'subscriptions',
      `import { Redis } from 'ioredis'
      import { once } from 'node:events'
      const url = process.env.REDIS_URL
      const admin = new Redis(url)
      const seen = []
      for (const protocol of [2, 3]) {
        const sub = new Redis({ port: new URL(url).port, protocol })
        const counts = [await sub.subscribe('a', 'b'), await sub.psubscribe('c*')]
        const messages = Promise.all([once(sub, 'message'), once(sub, 'pmessage')])
        await admin.publish('b', 'x')
        await admin.publish('cd', 'y')
        seen.push([counts, await messages, await sub.unsubscribe('a', 'b'), await sub.punsubscribe()])
        sub.disconnect()
      }
      const monitor = await admin.monitor()
      const monitored = new Promise((resolve) => monitor.on('monitor', (_time, args) => args[0] === 'get' && resolve(args)))
      await admin.get('k')
      seen.push(await monitored)
      monitor.disconnect()
      const blocked = new Redis(url, { blockingTimeout: 50, blockingTimeoutGrace: 10 })
      seen.push(await blocked.blpop('none', 0.01))
      blocked.disconnect()
      const named = new Redis('redis://:wrong@' + new URL(url).host)
      seen.push(await named.ping())
      named.disconnect()
      admin.disconnect()
      console.log(JSON.stringify(seen))`,
      redis.url,
    )
    await redis.stop()
    const messages = [
      ['b', 'x'],
      ['c*', 'cd', 'y'],
    ]
    const pubSub = [[2, 3], messages, 1, 0]
    expect(JSON.parse(seen.split('\n').at(-2) ?? '')).toEqual([pubSub, pubSub, ['get', 'k'], null, 'PONG'])
  })
})

test('the queue of the Redis client does what denque does', () => {
  const [own, other] = [new Deque<number>(), new Denque<number>()]
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('push' as const, 'unshift' as const), value: fc.integer() }),
    fc.record({ kind: fc.constant('many' as const), value: fc.nat(1_500) }),
    fc.record({ kind: fc.constant('remove' as const), value: fc.nat(3) }),
    fc.record({ kind: fc.constant('shift' as const), value: fc.nat(1_200) }),
  )
  const run = (queue: Deque<number> | Denque<number>, { kind, value }: { kind: string; value: number }): unknown => {
    if (kind === 'push') return void queue.push(value)
    if (kind === 'unshift') return void queue.unshift(value)
    if (kind === 'many') for (let n = 0; n < value; n++) queue.push(n)
    if (kind === 'remove' && queue.length > value) return queue.remove(value, 1)
    return kind === 'shift' ? Array.from({ length: value }, () => queue.shift()) : undefined
  }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      for (const one of steps) {
        expect(run(own, one)).toEqual(run(other, one))
        expect([own.length, own.peekFront(), own.peekAt(1)]).toEqual([other.length, other.peekFront(), other.peekAt(1)])
      }
    }),
    { numRuns: 50 },
  )
})

test('the bundle serves from a cluster with TLS, from what a Sentinel watches and from memory, whose code it loads on demand', async () => {
  const { file, remove } = await nodeBundle()
  const authority = makeAuthority()
  const tls = { ca: authority.ca, ...authority.issue('localhost', '-addext', 'subjectAltName=DNS:localhost') }
  const [cluster, redis] = await Promise.all([startCluster({ tls }), startRedis()])
  const sentinel = await startRedis({ sentinel: [`sentinel monitor main ${redis.host} ${redis.port} 1`] })
  const [first, second] = cluster.tlsPorts
  const instances = await Promise.all([
    NodeInstance.start(file, { REDIS_URL: `rediss+cluster://localhost:${first}`, REDIS_TLS_CA: authority.ca }),
    // The server itself says that it is a node of a cluster.
    NodeInstance.start(file, {
      REDIS_URL: `rediss://localhost:${second}`,
      REDIS_TLS_CA: readFileSync(authority.ca, 'utf8'),
    }),
    NodeInstance.start(file, { REDIS_URL: `redis+sentinel://${sentinel.host}:${sentinel.port}/main` }),
    NodeInstance.start(file),
  ])
  try {
    const [one, other, watched, alone] = instances.map(({ url }) => url) as [URL, URL, URL, URL]
    const session = await initialize(one)
    expect((await call(other, session, toolCall(1, 'count_session'))).result.content[0].text).toBe('1')
    expect((await call(one, session, toolCall(2, 'count_session'))).result.content[0].text).toBe('2')
    for (const own of [watched, alone]) {
      expect((await post(own, toolCall(3, 'count_session'), { session })).status).toBe(404)
      const another = await initialize(own)
      expect((await call(own, another, toolCall(4, 'count_session'))).result.content[0].text).toBe('1')
    }
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()))
    await Promise.all([cluster, sentinel, redis].map((one) => one.stop()))
    authority.remove()
    remove()
  }
})
